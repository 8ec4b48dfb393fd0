#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/text.h"
#include "core/plan/plan.h"
#include "core/plan/plan_keys.h"
#include "core/plan/plan_text.h"

namespace caldera {

std::string yamlScalar(const std::string& value) {
    static constexpr std::array<std::string_view, 12> kWords = {
        "true", "True", "false", "False", "null", "Null", "yes", "no", "on", "off", "y", "n"};
    const auto isPlain = [](unsigned char letter) {
        return std::isalnum(letter) != 0 || letter == '_' || letter == '.' || letter == '/' ||
               letter == '-';
    };
    const bool plain =
        !value.empty() &&
        (std::isalpha(static_cast<unsigned char>(value[0])) != 0 || value[0] == '/') &&
        std::all_of(value.begin(), value.end(), isPlain) &&
        std::find(kWords.begin(), kWords.end(), value) == kWords.end();
    if (plain) {
        return value;
    }
    try {
        return nlohmann::json(value).dump();
    } catch (const nlohmann::json::exception&) {
        throw Error("plan.encoding",
                    "A name in the plan is not valid UTF-8 and cannot be saved. Rename the file or "
                    "folder it stands for.");
    }
}

std::string yamlScalar(double value) {
    return numberText(value);
}

std::string yamlScalar(int value) {
    return std::to_string(value);
}

std::string yamlScalar(int64_t value) {
    return std::to_string(value);
}

std::string yamlScalar(uint64_t value) {
    return std::to_string(value);
}

std::string yamlScalar(bool value) {
    return value ? "true" : "false";
}

std::string yamlFlowMap(const CellOverride& override) {
    std::string text;
    forEachCellKey(override, [&](const char* key, const auto& value, const auto&... /*rule*/) {
        if (value) {
            text += (text.empty() ? "" : ", ") + std::string(key) + ": " + yamlScalar(*value);
        }
    });
    return "{" + text + "}";
}

namespace {

std::string overrideSection(const char* key,
                            const std::vector<std::pair<std::string, CellOverride>>& overrides) {
    std::string text = std::string("  ") + key + ":" + (overrides.empty() ? " {}\n" : "\n");
    for (const auto& [name, override] : overrides) {
        text += "    " + yamlScalar(name) + ": " + yamlFlowMap(override) + "\n";
    }
    return text;
}

std::string settingsSection(const Plan& plan) {
    std::string text = "caldera:\n";
    forEachCellKey(plan.defaults, [&](const char* key, const auto& value, const auto&... /*rule*/) {
        if (std::string_view(key) != "skip" || plan.defaults.skip) {
            text += std::string("  ") + key + ": " + yamlScalar(value) + "\n";
        }
    });
    text += std::string("  skip_layers:") + (plan.skipLayers.empty() ? " []\n" : "\n");
    for (const std::string& pattern : plan.skipLayers) {
        text += "    - " + yamlScalar(pattern) + "\n";
    }
    return text + overrideSection("layer_overrides", plan.layerOverrides) +
           overrideSection("pattern_overrides", plan.patternOverrides);
}

} // namespace

std::string printPlan(const Plan& plan) {
    const CalibrationSettings& calibration = plan.calibration;
    return "format: " + formatText(kPlanFormat, kPlanMajor) + "\nmodel: " + yamlScalar(plan.model) +
           "\ncalibration:\n  text: " + yamlScalar(calibration.text) +
           "\n  tokens: " + yamlScalar(calibration.tokens) +
           "\n  sequence_length: " + yamlScalar(calibration.sequenceLength) +
           "\n  seed: " + yamlScalar(calibration.seed) + "\n" + settingsSection(plan) +
           "embeddings: {bits: " + yamlScalar(plan.embeddingBits) +
           "}\nlm_head: {bits: " + yamlScalar(plan.headBits) + "}\n";
}

void savePlan(const Plan& plan, const std::filesystem::path& path) {
    writeFileAtomically(path, printPlan(plan));
}

} // namespace caldera
