#include "core/plan/foreign_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/base/glob.h"
#include "core/base/text.h"
#include "core/model/codec_facts.h"
#include "core/plan/plan_cells.h"
#include "core/plan/plan_edit.h"
#include "core/plan/plan_keys.h"
#include "core/plan/rank_step.h"

namespace caldera {

namespace {

struct FactorCodec {
    std::string family;
    double bits = 0;
};

/// A code for each number where blocks of numbers are no nearer.
FactorCodec nearestFactorCodec(double bits) {
    FactorCodec nearest{"lloyd", 4};
    for (const CodecFacts& facts : codecFacts()) {
        if (isFactorCodec(facts.id) &&
            std::abs(facts.bits - bits) < std::abs(nearest.bits - bits)) {
            nearest = {facts.family, facts.bits};
        }
    }
    return nearest;
}

int supportedRank(int rank) {
    return rank == 0 ? 0 : std::max(kRankStep, nearestRank(rank));
}

/// Once, however often it is adapted.
void note(Plan& plan, const std::string& text) {
    std::vector<std::string>& notes = plan.adaptedValues;
    if (std::find(notes.begin(), notes.end(), text) == notes.end()) {
        notes.push_back(text);
    }
}

class Adoption {
public:
    explicit Adoption(ForeignPlan foreign) : foreign_(std::move(foreign)), plan_(foreign_.plan) {}

    Plan adopted() {
        countTokens();
        skipWithoutTarget();
        letPatternsWin();
        adaptDefaults();
        for (auto* overrides : {&plan_.layerOverrides, &plan_.patternOverrides}) {
            for (auto& [name, override] : *overrides) {
                adapt(override);
            }
        }
        forgetCommonFactorCodec();
        return std::move(plan_);
    }

private:
    template <class Number>
    void replace(const char* key, Number& value, Number supported) {
        if (value != supported) {
            note(plan_, std::string(key) + " " + numberText(static_cast<double>(value)) + " -> " +
                            numberText(static_cast<double>(supported)));
        }
        value = supported;
    }

    void countTokens() {
        if (!foreign_.samples) {
            return;
        }
        CalibrationSettings& calibration = plan_.calibration;
        calibration.tokens = *foreign_.samples * calibration.sequenceLength;
        replace("tokens", calibration.tokens, std::min(calibration.tokens, kMostTokens));
    }

    void skipWithoutTarget() {
        if (!foreign_.targetModules) {
            return;
        }
        for (const Module module : kModules) {
            const std::string name = cellName({0, module});
            const auto& targets = *foreign_.targetModules;
            if (std::none_of(targets.begin(), targets.end(),
                             [&](const std::string& target) { return name.ends_with(target); })) {
                plan_.skipLayers.push_back("*." + std::string(moduleName(module)));
                note(plan_, std::string(moduleName(module)) + " skipped");
            }
        }
    }

    bool isSkippedThere(const std::string& name) const {
        return std::any_of(plan_.skipLayers.begin(), plan_.skipLayers.end(),
                           [&](const std::string& glob) { return matchesGlob(glob, name); });
    }

    /// There, patterns come after exact names, and nothing takes skipped layers back.
    void letPatternsWin() {
        for (auto& [name, exact] : plan_.layerOverrides) {
            for (const auto& [glob, pattern] : plan_.patternOverrides) {
                if (matchesGlob(glob, name)) {
                    pattern.applyTo(exact);
                }
            }
            if (isSkippedThere(name)) {
                exact.skip = true;
            }
        }
        bool takesBack = plan_.defaults.skip;
        for (auto& [glob, pattern] : plan_.patternOverrides) {
            takesBack = takesBack || pattern.skip.value_or(false);
            if (!takesBack) {
                pattern.skip.reset();
            }
        }
    }

    void adaptDefaults() {
        CellSettings& defaults = plan_.defaults;
        CellOverride all;
        all.bits = defaults.bits;
        all.leftBits = defaults.leftBits;
        if (foreign_.namesRightBits) { // what nobody wrote is not told as adapted
            all.rightBits = defaults.rightBits;
        }
        all.rank = defaults.rank;
        adapt(all);
        all.applyTo(defaults);
    }

    void adapt(CellOverride& override) {
        if (override.bits) {
            replace("bq", *override.bits,
                    nearestBits(override.codec.value_or(plan_.defaults.codec), *override.bits));
        }
        if (override.leftBits) {
            const FactorCodec codec = nearestFactorCodec(*override.leftBits);
            replace("bl", *override.leftBits, codec.bits);
            override.factorCodec = codec.family;
        }
        if (override.rightBits) {
            replace("br", *override.rightBits, override.leftBits.value_or(plan_.defaults.leftBits));
        }
        override.rightBits = override.leftBits;
        if (override.rank) {
            replace("rank", *override.rank, supportedRank(*override.rank));
        }
    }

    void forgetCommonFactorCodec() {
        const auto isCommon = [&](const auto& entry) {
            return entry.second.factorCodec.value_or(plan_.defaults.factorCodec) ==
                   plan_.defaults.factorCodec;
        };
        for (const auto* overrides : {&plan_.layerOverrides, &plan_.patternOverrides}) {
            if (!std::all_of(overrides->begin(), overrides->end(), isCommon)) {
                return;
            }
        }
        for (auto* overrides : {&plan_.layerOverrides, &plan_.patternOverrides}) {
            for (auto& [name, override] : *overrides) {
                override.factorCodec.reset();
            }
        }
    }

    ForeignPlan foreign_;
    Plan& plan_;
};

} // namespace

Plan adoptPlan(ForeignPlan foreign) {
    return Adoption(std::move(foreign)).adopted();
}

Plan fitForeignPlan(Plan plan, const ModelConfig& config) {
    if (!plan.foreign) {
        return plan;
    }
    const PlanCells cells(plan, config);
    std::map<Cell, BitsAndRank> fitting;
    for (const Cell cell : allCells(config.layerCount)) {
        const CellSettings& settings = cells.settingsOf(cell);
        const int most = largestRank(config.shapeOf(cell.module));
        if (!settings.skip && settings.rank > most) {
            note(plan, "rank " + std::to_string(settings.rank) + " -> " + std::to_string(most) +
                           " (" + std::string(moduleName(cell.module)) + ")");
            fitting[cell] = {settings.bits, most};
        }
    }
    return fitting.empty() ? plan : withBitsAndRanks(std::move(plan), config, fitting);
}

} // namespace caldera
