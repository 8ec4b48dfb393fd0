// The keys of a cell's settings, once, for reading and for printing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plan/plan.h"
#include "core/plan/rank_step.h"

namespace caldera {

inline constexpr const char* kPlanFormat = "caldera-plan";
inline constexpr int kPlanMajor = 1;
inline constexpr int64_t kMostTokens = 1'000'000'000'000; ///< of calibration

/// Both ends belong to the range.
struct Range {
    double low = 0;
    double high = 0;
};

/// What a text may be; empty: a word of letters, digits and dashes.
using Choices = std::vector<std::string>;

inline const Choices kUpdateOrders = {"LR,Q", "Q,LR"};
inline const Choices kLowRankStarts = {"balanced", "hessian", "plain", "outliers"};
inline const Choices kHessianSteps = {"Q,LR", "Q", "LR", "none"};

/// Calls visit(key, member) or visit(key, member, rule) in printing order.
template <class Settings, class Visit>
void forEachCellKey(Settings& settings, Visit&& visit) {
    visit("bq", settings.bits, Range{0, 16});
    visit("bl", settings.leftBits, Range{1, 16});
    visit("br", settings.rightBits, Range{1, 16});
    visit("rank", settings.rank, Range{0, kMostRank});
    visit("codec", settings.codec, Choices{});
    visit("factor_codec", settings.factorCodec, Choices{});
    visit("transform", settings.transform, Choices{});
    visit("outer_iterations", settings.outerIterations, Range{1, 100});
    visit("inner_iterations", settings.innerIterations, Range{0, 1000});
    visit("update_order", settings.updateOrder, kUpdateOrders);
    visit("low_rank_start", settings.lowRankStart, kLowRankStarts);
    visit("activation_aware", settings.activationAware, kHessianSteps);
    visit("hessian_downdate", settings.hessianDowndate);
    visit("damping", settings.damping, Range{1e-8, 10});
    visit("seed", settings.seed);
    visit("locked", settings.locked);
    visit("skip", settings.skip);
}

} // namespace caldera
