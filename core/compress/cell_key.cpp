#include "core/compress/cell_key.h"

#include "core/artifact/settings_json.h"
#include "core/base/hash.h"
#include "core/linalg/numerics.h"
#include "core/plan/group_settings.h"

namespace caldera {

namespace {

/// Raised whenever the solver or the file changes what the same settings give.
constexpr int kSolverVersion = 3;

} // namespace

nlohmann::json calibrationFacts(const Model& model, const CalibrationSettings& calibration,
                                const std::string& text, const std::string& device) {
    return {{"model", model.fingerprint},   {"text", sha256Hex(text)},
            {"tokens", calibration.tokens}, {"sequence_length", calibration.sequenceLength},
            {"seed", calibration.seed},     {"device", device.substr(0, device.find(':'))},
            {"numerics", numericsName()},   {"version", kSolverVersion}};
}

std::string calibrationKey(const nlohmann::json& facts) {
    return sha256Hex(facts.dump());
}

std::string cellKey(const Plan& plan, Cell cell, const std::string& calibrationKey) {
    CellSettings settings = plan.settingsOf(cell);
    settings.locked = false; // means nothing to the solver
    const CellSettings group = groupSettings(plan, cell.layer, inputGroupOf(cell.module));
    const nlohmann::json facts = {
        {"calibration", calibrationKey},        {"cell", cellName(cell)},
        {"settings", settingsToJson(settings)}, {"group_transform", group.transform},
        {"group_damping", group.damping},       {"group_seed", group.seed}};
    return sha256Hex(facts.dump());
}

} // namespace caldera
