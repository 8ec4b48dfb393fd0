#include "core/plan/plan.h"

#include <algorithm>
#include <tuple>

#include "core/base/text.h"
#include "core/model/codec_facts.h"
#include "core/plan/plan_cells.h"
#include "core/plan/rank_step.h"

namespace caldera {

namespace {

constexpr int kDefaultRank = 64;
constexpr double kFactorBudget = 0.5; ///< bits a weight that L and R may cost by default

/// The largest rank up to 64 whose factors stay inside the budget and small beside the matrix.
int affordableRank(MatrixShape shape, double factorBits) {
    const double perRank = factorBits * static_cast<double>(shape.rows + shape.columns) /
                           static_cast<double>(shape.size());
    const auto byCost = static_cast<int64_t>(kFactorBudget / perRank);
    const int64_t byShape = std::min(shape.rows, shape.columns) / 4;
    const int64_t rank = std::min({int64_t{kDefaultRank}, byCost, byShape});
    return static_cast<int>(rank / kRankStep * kRankStep);
}

/// `Target` has a member for every key.
template <class Target>
void copyGiven(const CellOverride& from, Target& to) {
    const auto set = [](const auto& given, auto& member) {
        if (given) {
            member = given.value();
        }
    };
    set(from.bits, to.bits);
    set(from.leftBits, to.leftBits);
    set(from.rightBits, to.rightBits);
    set(from.rank, to.rank);
    set(from.codec, to.codec);
    set(from.factorCodec, to.factorCodec);
    set(from.transform, to.transform);
    set(from.outerIterations, to.outerIterations);
    set(from.innerIterations, to.innerIterations);
    set(from.updateOrder, to.updateOrder);
    set(from.lowRankStart, to.lowRankStart);
    set(from.activationAware, to.activationAware);
    set(from.hessianDowndate, to.hessianDowndate);
    set(from.damping, to.damping);
    set(from.seed, to.seed);
    set(from.locked, to.locked);
    set(from.skip, to.skip);
}

} // namespace

std::string CellSettings::codecId() const {
    return codecIdOf(codec, bits);
}

std::string CellSettings::leftCodecId() const {
    return codecIdOf(factorCodec, leftBits);
}

std::string CellSettings::rightCodecId() const {
    return codecIdOf(factorCodec, rightBits);
}

void CellOverride::applyTo(CellSettings& settings) const {
    copyGiven(*this, settings);
}

void CellOverride::applyTo(CellOverride& override) const {
    copyGiven(*this, override);
}

CellSettings Plan::settingsOf(Cell cell) const {
    const std::string name = cellName(cell);
    CellSettings settings = inheritedSettings(*this, cell);
    for (const auto& [exact, override] : layerOverrides) {
        if (exact == name) {
            override.applyTo(settings);
        }
    }
    return settings;
}

bool Plan::operator==(const Plan& other) const {
    const auto value = [](const Plan& p) {
        return std::tie(p.model, p.calibration, p.defaults, p.skipLayers, p.layerOverrides,
                        p.patternOverrides, p.embeddingBits, p.headBits);
    };
    return value(*this) == value(other);
}

Plan defaultPlan(const std::string& model, const ModelConfig& config) {
    Plan plan;
    plan.model = model;
    plan.calibration.sequenceLength =
        std::min(plan.calibration.sequenceLength, std::max(config.maxPositions, 2));
    std::vector<int> ranks;
    ranks.reserve(kModules.size());
    for (const Module module : kModules) {
        ranks.push_back(affordableRank(config.shapeOf(module), plan.defaults.leftBits));
    }
    plan.defaults.rank = *std::max_element(ranks.begin(), ranks.end());
    for (size_t i = 0; i < ranks.size(); ++i) {
        if (ranks[i] != plan.defaults.rank) {
            CellOverride smaller;
            smaller.rank = ranks[i];
            plan.patternOverrides.emplace_back("*." + std::string(moduleName(kModules[i])),
                                               smaller);
        }
    }
    return plan;
}

} // namespace caldera
