#include "core/compress/cell_key.h"

#include <nlohmann/json.hpp>

#include "core/base/hash.h"
#include "core/linalg/numerics.h"
#include "core/plan/group_settings.h"

namespace caldera {

namespace {

/// Raised whenever the solver or the file changes what the same settings give.
constexpr int kSolverVersion = 1;

} // namespace

std::string calibrationKey(const Model& model, const CalibrationSettings& calibration,
                           const std::string& text, const std::string& device) {
    const nlohmann::json facts = {
        {"model", model.fingerprint},   {"text", sha256Hex(text)},
        {"tokens", calibration.tokens}, {"sequence_length", calibration.sequenceLength},
        {"seed", calibration.seed},     {"device", device},
        {"numerics", numericsName()},   {"version", kSolverVersion}};
    return sha256Hex(facts.dump());
}

std::string cellKey(const Plan& plan, Cell cell, const std::string& calibrationKey) {
    const CellSettings settings = plan.settingsOf(cell);
    const CellSettings group = groupSettings(plan, cell.layer, inputGroupOf(cell.module));
    const nlohmann::json facts = {{"calibration", calibrationKey},
                                  {"cell", cellName(cell)},
                                  {"bits", settings.bits},
                                  {"left_bits", settings.leftBits},
                                  {"right_bits", settings.rightBits},
                                  {"rank", settings.rank},
                                  {"codec", settings.codec},
                                  {"factor_codec", settings.factorCodec},
                                  {"outer_iterations", settings.outerIterations},
                                  {"inner_iterations", settings.innerIterations},
                                  {"update_order", settings.updateOrder},
                                  {"hessian_downdate", settings.hessianDowndate},
                                  {"damping", settings.damping},
                                  {"seed", settings.seed},
                                  {"group_transform", group.transform},
                                  {"group_damping", group.damping},
                                  {"group_seed", group.seed}};
    return sha256Hex(facts.dump());
}

} // namespace caldera
