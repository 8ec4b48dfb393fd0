#include "core/allocation/items.h"

#include <algorithm>
#include <set>

#include "core/model/codec_facts.h"
#include "core/model/module.h"
#include "core/plan/rank_step.h"

namespace caldera {

namespace {

constexpr int kFineRanks = 128; ///< up to here every rank is tried, then one of four or eight steps
constexpr int kCoarseRanks = 512;

int rankAfter(int rank) {
    const int steps = rank < kFineRanks ? 1 : rank < kCoarseRanks ? 4 : 8;
    return rank + steps * kRankStep;
}

/// Bits of the family's codecs inside of what was measured.
std::vector<double> triedBits(const std::string& family,
                              const std::vector<FidelityOption>& options) {
    std::vector<double> bits;
    for (const CodecFacts& facts : codecFacts()) {
        if (facts.family == family && facts.bits >= options.front().bits &&
            facts.bits <= options.back().bits) {
            bits.push_back(facts.bits);
        }
    }
    return bits;
}

struct RankRange {
    int least = 0;
    int most = 0;
};

/// Ranks inside of what was measured, in whole steps.
RankRange triedRanks(const std::vector<FidelityOption>& options, MatrixShape shape) {
    const auto [least, most] =
        std::minmax_element(options.begin(), options.end(),
                            [](const auto& a, const auto& b) { return a.rank < b.rank; });
    return {static_cast<int>(padTo(least->rank, kRankStep)),
            std::min(most->rank, largestRank(shape))};
}

std::vector<BitsAndRank> triedValues(const CellSettings& present,
                                     const std::vector<FidelityOption>& options,
                                     MatrixShape shape) {
    const RankRange ranks = triedRanks(options, shape);
    std::set<BitsAndRank> values = {{present.bits, present.rank}};
    for (const FidelityOption& option : options) {
        if (findCodecFacts(present.codec, option.bits) != nullptr && option.rank <= ranks.most &&
            option.rank % kRankStep == 0) {
            values.insert({option.bits, option.rank});
        }
    }
    for (const double bits : triedBits(present.codec, options)) {
        for (int rank = ranks.least; rank <= ranks.most; rank = rankAfter(rank)) {
            if (bits > 0 || rank > 0) { // else nothing of the matrix is left
                values.insert({bits, rank});
            }
        }
        values.insert({bits, present.rank});
    }
    values.erase({0, 0});
    return {values.begin(), values.end()};
}

AllocationItem cellItem(const AllocationProblem& problem, Cell cell, const CellSettings& present,
                        const CostMeasure& measure) {
    const LossModel& losses = *problem.losses;
    AllocationItem item{
        cell,
        triedValues(present, losses.options(cell), problem.config.shapeOf(cell.module)),
        {},
        0};
    CellSettings settings = present;
    for (const BitsAndRank& value : item.values) {
        if (value == BitsAndRank{present.bits, present.rank}) {
            item.present = static_cast<int>(item.choices.size());
        }
        settings.bits = value.bits;
        settings.rank = value.rank;
        item.choices.push_back(
            {measure.cell(settings, cell.module), losses.cellLoss(cell, settings)});
    }
    return item;
}

AllocationItem tableItem(const AllocationProblem& problem, Table table,
                         const CostMeasure& measure) {
    AllocationItem item{table, {}, {}, 0};
    const int present = tableBits(problem.plan, table);
    for (const int bits : kTableBits) {
        if (bits == present) {
            item.present = static_cast<int>(item.choices.size());
        } else if (!problem.losses->isMeasured(table, bits)) {
            continue;
        }
        item.values.push_back({static_cast<double>(bits), 0});
        item.choices.push_back(
            {measure.table(table, bits), problem.losses->tableLoss(table, bits)});
    }
    return item;
}

/// Whether the target limits a table at all, and how good the present bits are is known.
bool isOpen(const AllocationProblem& problem, const AllocationItem& item, Table table) {
    const auto isFree = [&](const Choice& choice) {
        return choice.cost == item.choices.front().cost;
    };
    return problem.losses->isMeasured(table, tableBits(problem.plan, table)) &&
           !std::all_of(item.choices.begin(), item.choices.end(), isFree);
}

} // namespace

std::vector<AllocationItem> allocationItems(const AllocationProblem& problem,
                                            const PlanCells& cells, const CostMeasure& measure) {
    const std::set<Cell> kept(problem.kept.begin(), problem.kept.end());
    std::vector<AllocationItem> items;
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const CellSettings& settings = cells.settingsOf(cell);
            if (!settings.locked && !settings.skip && !kept.contains(cell)) {
                items.push_back(cellItem(problem, cell, settings, measure));
            }
        }
    }
    if (problem.keepsTables || problem.target.kind == AllocationTarget::Kind::BitsPerWeight) {
        return items;
    }
    for (const Table table : kTables) {
        if (table == Table::Head && problem.config.tiedEmbeddings) {
            continue;
        }
        AllocationItem item = tableItem(problem, table, measure);
        if (isOpen(problem, item, table)) {
            items.push_back(std::move(item));
        }
    }
    return items;
}

} // namespace caldera
