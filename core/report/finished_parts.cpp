#include "core/report/finished_parts.h"

#include "core/base/error.h"

namespace caldera {

namespace {

constexpr const char* kKey = "key";

} // namespace

std::optional<Report> FinishedParts::find(const std::string& name) const {
    if (folder_.empty() || !std::filesystem::exists(fileOf(name))) {
        return std::nullopt;
    }
    try {
        Report part = readReport(fileOf(name));
        const auto key = part.run.find(kKey);
        return key != part.run.end() && key->second == key_ ? std::optional(std::move(part))
                                                            : std::nullopt;
    } catch (const Error&) { // worked out again
        return std::nullopt;
    }
}

void FinishedParts::keep(const std::string& name, Report part) const {
    if (folder_.empty()) {
        return;
    }
    part.run = {{kKey, key_}};
    std::filesystem::create_directories(folder_);
    writeReport(part, fileOf(name));
}

} // namespace caldera
