#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/glob.h"
#include "core/base/text.h"
#include "core/model/codec_facts.h"
#include "core/plan/plan.h"
#include "core/plan/plan_cells.h"
#include "core/plan/rank_step.h"

namespace caldera {

namespace {

const std::vector<std::string> kTransforms = {"hadamard-128", "none"};

std::string listText(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

[[noreturn]] void throwUnknown(const std::string& cell, const char* key, const std::string& id,
                               const std::string& known) {
    throw Error("plan.codec",
                cell + ": the " + key + " " + id + " is not supported by this build. Choose " +
                    known + " (the number is the bits).",
                {{"cell", cell}, {"came", id}, {"needed", known}});
}

void requireKnown(const std::string& cell, const char* key, const std::string& id,
                  const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), id) == known.end()) {
        throwUnknown(cell, key, id, listText(known));
    }
}

void checkRank(const std::string& cell, int rank, MatrixShape shape) {
    const int most = largestRank(shape);
    if (rank > std::min(shape.rows, shape.columns)) {
        throw Error(
            "plan.rank",
            cell + ": rank " + std::to_string(rank) + " is above its matrix of " +
                std::to_string(shape.rows) + " x " + std::to_string(shape.columns) +
                ". Choose at most " + std::to_string(most) + ".",
            {{"cell", cell}, {"came", std::to_string(rank)}, {"most", std::to_string(most)}});
    }
    if (rank % kRankStep != 0) {
        const int lower = rank / kRankStep * kRankStep;
        const std::string upper =
            lower + kRankStep <= most ? " or " + std::to_string(lower + kRankStep) : "";
        throw Error("plan.rank",
                    cell + ": rank " + std::to_string(rank) + " is not a multiple of 16. Choose " +
                        std::to_string(lower) + upper + ".",
                    {{"cell", cell}, {"came", std::to_string(rank)}});
    }
}

/// Cells of an input group are multiplied with one transformed input.
void checkGroup(Cell first, const CellSettings& a, Cell second, const CellSettings& b) {
    const auto differs = [&](const char* key, const std::string& left, const std::string& right) {
        if (left != right) {
            throw Error("plan.group",
                        cellName(first) + " and " + cellName(second) +
                            " share their input, so they need the same " + key + "; they have " +
                            left + " and " + right + ". Set it for both.",
                        {{"cell", cellName(first)}, {"other", cellName(second)}, {"key", key}});
        }
    };
    differs("codec", a.codec, b.codec);
    differs("transform", a.transform, b.transform);
    if (a.damping != b.damping) {
        differs("damping", numberText(a.damping), numberText(b.damping));
    }
}

std::vector<std::string> cellNames(const ModelConfig& config) {
    std::vector<std::string> names;
    for (const Cell cell : allCells(config.layerCount)) {
        names.push_back(cellName(cell));
    }
    return names;
}

void checkPattern(const char* key, const std::string& pattern,
                  const std::vector<std::string>& names) {
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return matchesGlob(pattern, name); })) {
        throw Error("plan.no-match",
                    std::string("`") + key + "`: the pattern \"" + pattern +
                        "\" matches no cell of this model. Its cells are named " + names.front() +
                        " to " + names.back() + ".",
                    {{"key", key}, {"pattern", pattern}});
    }
}

void checkExact(const std::string& name, const ModelConfig& config) {
    const auto cell = parseCellName(name);
    if (cell && cell->layer < config.layerCount) {
        return;
    }
    const std::string nearest = nearestWord(name, cellNames(config));
    throw Error("plan.no-match",
                "`layer_overrides`: this model has no cell \"" + name + "\"." +
                    (nearest.empty() ? " Patterns belong into `pattern_overrides`."
                                     : " Did you mean " + nearest + "?"),
                {{"key", "layer_overrides"}, {"pattern", name}, {"nearest", nearest}});
}

void checkNames(const Plan& plan, const ModelConfig& config) {
    const bool hasPatterns = !plan.skipLayers.empty() || !plan.patternOverrides.empty();
    const std::vector<std::string> names =
        hasPatterns ? cellNames(config) : std::vector<std::string>();
    for (const std::string& pattern : plan.skipLayers) {
        checkPattern("skip_layers", pattern, names);
    }
    for (const auto& [pattern, override] : plan.patternOverrides) {
        checkPattern("pattern_overrides", pattern, names);
    }
    for (const auto& [name, override] : plan.layerOverrides) {
        checkExact(name, config);
    }
}

void checkLayer(const PlanCells& cells, int layer) {
    std::array<std::pair<Cell, std::optional<CellSettings>>, kInputGroups.size()> groups;
    for (const Module module : kModules) {
        const Cell cell{layer, module};
        const CellSettings& settings = cells.settingsOf(cell);
        if (settings.skip) {
            continue;
        }
        // The layers of a model are alike: what the one before may have, this one may.
        if (layer == 0 || settings != cells.settingsOf({layer - 1, module})) {
            checkCell(cellName(cell), settings, cells.config().shapeOf(module));
        }
        auto& [first, shared] = groups.at(static_cast<size_t>(inputGroupOf(module)));
        if (shared) {
            checkGroup(first, *shared, cell, settings);
        } else {
            first = cell;
            shared = settings;
        }
    }
}

} // namespace

void checkCell(const std::string& cell, const CellSettings& settings, MatrixShape shape) {
    if (findCodecFacts(settings.codec, settings.bits) == nullptr) {
        throwUnknown(cell, "codec", settings.codecId(), codecChoices());
    }
    if (settings.bits == 0 && settings.rank == 0) {
        throw Error("plan.nothing-left",
                    cell +
                        ": with bq 0 and rank 0 nothing of the matrix is left. Give it a rank or "
                        "bits, or set `skip: true` to keep it in 16 bits.",
                    {{"cell", cell}});
    }
    requireKnown(cell, "transform", settings.transform, kTransforms);
    checkRank(cell, settings.rank, shape);
    if (settings.rank > 0) {
        for (const std::string& id : {settings.leftCodecId(), settings.rightCodecId()}) {
            if (!isFactorCodec(id)) {
                throwUnknown(cell, "factor codec", id, factorCodecChoices());
            }
        }
    }
}

void checkPlan(const Plan& plan, const ModelConfig& config) {
    checkPlan(plan, PlanCells(plan, config));
}

void checkPlan(const Plan& plan, const PlanCells& cells) {
    const ModelConfig& config = cells.config();
    checkNames(plan, config);
    if (plan.calibration.sequenceLength > config.maxPositions) {
        throw Error("plan.sequence-length",
                    "`sequence_length` is " + std::to_string(plan.calibration.sequenceLength) +
                        ", and the model takes at most " + std::to_string(config.maxPositions) +
                        " tokens. Choose at most that many in the plan's `calibration`.",
                    {{"came", std::to_string(plan.calibration.sequenceLength)},
                     {"most", std::to_string(config.maxPositions)}});
    }
    for (int layer = 0; layer < config.layerCount; ++layer) {
        checkLayer(cells, layer);
    }
}

} // namespace caldera
