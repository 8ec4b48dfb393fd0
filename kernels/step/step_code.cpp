#include "kernels/step/step_code.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/e8p/e8p.h"
#include "kernels/e8p/tables.h"

namespace caldera::kernels {
namespace {

std::vector<StepCode> makeCodes() {
    std::vector<StepCode> codes;
    for (const TrellisCode& code : trellisCodes()) {
        codes.push_back({code.id, code.columns, code.groupBytes(), code.step, code.table, &code});
    }
    constexpr int kWordBytes = 2;
    codes.push_back(
        {"e8p-2", kE8pWidth, kE8pGroupRows * kWordBytes, kE8pNumberStep, e8pNumbers(), nullptr});
    return codes;
}

std::string joinIds() {
    std::string ids;
    for (const StepCode& code : stepCodes()) {
        ids += (ids.empty() ? "" : ", ") + std::string(code.id);
    }
    return ids;
}

} // namespace

std::span<const StepCode> stepCodes() {
    static const std::vector<StepCode> codes = makeCodes();
    return codes;
}

const StepCode* stepCode(std::string_view id) {
    const auto codes = stepCodes();
    const auto found = std::find_if(codes.begin(), codes.end(),
                                    [&](const StepCode& each) { return each.id == id; });
    return found == codes.end() ? nullptr : &*found;
}

std::string_view stepCodeIds() {
    static const std::string ids = joinIds();
    return ids;
}

} // namespace caldera::kernels
