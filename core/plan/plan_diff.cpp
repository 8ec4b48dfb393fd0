#include "core/plan/plan_diff.h"

#include <algorithm>
#include <utility>

#include "core/plan/plan_keys.h"
#include "core/plan/plan_text.h"

namespace caldera {

namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;
using Overrides = std::vector<std::pair<std::string, CellOverride>>;

std::string listText(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) {
        text += (text.empty() ? "" : ", ") + yamlScalar(item);
    }
    return "[" + text + "]";
}

std::string namesOf(const Overrides& overrides) {
    std::vector<std::string> names;
    for (const auto& entry : overrides) {
        names.push_back(entry.first);
    }
    return listText(names);
}

Lines linesOf(const Plan& plan) {
    Lines lines = {{"model", yamlScalar(plan.model)},
                   {"calibration.text", yamlScalar(plan.calibration.text)},
                   {"calibration.tokens", yamlScalar(plan.calibration.tokens)},
                   {"calibration.sequence_length", yamlScalar(plan.calibration.sequenceLength)},
                   {"calibration.seed", yamlScalar(plan.calibration.seed)}};
    forEachCellKey(plan.defaults, [&](const char* key, const auto& value, const auto&... /*rule*/) {
        lines.emplace_back(std::string("caldera.") + key, yamlScalar(value));
    });
    lines.emplace_back("caldera.skip_layers", listText(plan.skipLayers));
    for (const auto& [name, override] : plan.layerOverrides) {
        lines.emplace_back("caldera.layer_overrides." + name, yamlFlowMap(override));
    }
    for (const auto& [pattern, override] : plan.patternOverrides) {
        lines.emplace_back("caldera.pattern_overrides." + pattern, yamlFlowMap(override));
    }
    lines.emplace_back("embeddings.bits", yamlScalar(plan.embeddingBits));
    lines.emplace_back("lm_head.bits", yamlScalar(plan.headBits));
    return lines;
}

std::string valueOf(const Lines& lines, const std::string& key) {
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const auto& line) { return line.first == key; });
    return found == lines.end() ? "" : found->second;
}

} // namespace

std::vector<PlanDifference> diffPlans(const Plan& left, const Plan& right) {
    const Lines a = linesOf(left);
    const Lines b = linesOf(right);
    std::vector<PlanDifference> differences;
    for (const auto& [key, value] : a) {
        const std::string other = valueOf(b, key);
        if (value != other) {
            differences.push_back({key, value, other});
        }
    }
    for (const auto& [key, value] : b) {
        if (valueOf(a, key).empty()) {
            differences.push_back({key, "", value});
        }
    }
    if (differences.empty() && !(left == right)) { // same entries, in another order
        for (const auto& [key, first, second] :
             {std::tuple("caldera.layer_overrides (order)", left.layerOverrides,
                         right.layerOverrides),
              std::tuple("caldera.pattern_overrides (order)", left.patternOverrides,
                         right.patternOverrides)}) {
            if (first != second) {
                differences.push_back({key, namesOf(first), namesOf(second)});
            }
        }
    }
    return differences;
}

} // namespace caldera
