#include "core/allocation/choice.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace caldera {
namespace {

using Items = std::vector<ChoiceItem>;

/// Choices of falling loss and rising whole costs; convex or not.
ChoiceItem randomItem(std::mt19937& random, int most) {
    std::uniform_int_distribution<int> count(1, most);
    std::uniform_int_distribution<int> cost(0, 40);
    std::uniform_real_distribution<double> loss(0, 1);
    ChoiceItem item(static_cast<size_t>(count(random)));
    for (Choice& choice : item) {
        choice = {static_cast<double>(cost(random)), loss(random)};
    }
    return item;
}

Items randomItems(std::mt19937& random, int count) {
    Items items;
    for (int i = 0; i < count; ++i) {
        items.push_back(randomItem(random, 6));
    }
    return items;
}

/// Least loss for each whole budget up to `most`, by dynamic programming over all costs.
std::vector<double> bestLosses(const Items& items, int most) {
    constexpr double kNever = std::numeric_limits<double>::infinity();
    std::vector<double> best(static_cast<size_t>(most) + 1, 0.0);
    for (const ChoiceItem& item : items) {
        std::vector<double> next(best.size(), kNever);
        for (const Choice& choice : item) {
            const auto cost = static_cast<size_t>(choice.cost);
            for (size_t b = cost; b < next.size(); ++b) {
                next[b] = std::min(next[b], best[b - cost] + choice.loss);
            }
        }
        best = std::move(next);
    }
    return best;
}

double sum(const Items& items, const Selection& selection, double Choice::*part) {
    double total = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        total += items[i].at(static_cast<size_t>(selection.picks.at(i))).*part;
    }
    return total;
}

TEST(Choice, IsAsGoodAsDynamicProgrammingOverEveryCost) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const Items items = randomItems(random, 1 + static_cast<int>(seed % 24));
        const int least = static_cast<int>(leastCost(items));
        const std::vector<double> best = bestLosses(items, 40 * 24);
        for (int budget = least; budget < least + 300; budget += 7) {
            const Selection found = chooseWithin(items, budget, {});
            EXPECT_LE(found.cost, budget);
            EXPECT_EQ(found.cost, sum(items, found, &Choice::cost));
            EXPECT_NEAR(found.loss, sum(items, found, &Choice::loss), 1e-12);
            EXPECT_NEAR(found.loss, best[static_cast<size_t>(budget)], 1e-9) << budget;
            EXPECT_EQ(found.gap, 0);
        }
    }
}

TEST(Choice, NeverLosesMoreWithMoreToSpend) {
    std::mt19937 random(5);
    const Items items = randomItems(random, 200);
    double before = std::numeric_limits<double>::infinity();
    for (double budget = leastCost(items); budget < 4000; budget += 13) {
        const Selection found = chooseWithin(items, budget, {});
        EXPECT_LE(found.loss, before + 1e-12);
        before = found.loss;
    }
}

TEST(Choice, DoesNotDependOnTheOrderOfItems) {
    std::mt19937 random(8);
    Items items = randomItems(random, 40);
    for (const double share : {1.2, 1.7, 2.5}) {
        const double budget = std::floor(share * leastCost(items)) + 20;
        const Selection before = chooseWithin(items, budget, {});
        std::shuffle(items.begin(), items.end(), random);
        const Selection after = chooseWithin(items, budget, {});
        EXPECT_EQ(before.gap, 0);
        EXPECT_NEAR(before.loss, after.loss, 1e-12);
        EXPECT_NEAR(lossBound(items, budget), before.loss, 0.5);
        EXPECT_LE(lossBound(items, budget), before.loss + 1e-12);
    }
}

TEST(Choice, TakesTheBestOfAllWhereTheBudgetAllowsIt) {
    const Items items = {{{3, 1}, {1, 5}, {9, 0.5}}, {{2, 2}}};
    const Selection found = chooseWithin(items, 100, {});
    EXPECT_EQ(found.picks, (std::vector<int>{2, 0}));
    EXPECT_EQ(found.price, 0);
    EXPECT_EQ(leastCost(items), 3);
    EXPECT_EQ(chooseWithin(items, 3, {}).picks, (std::vector<int>{1, 0}));
}

TEST(Choice, PassesOverWhatCostsMoreAndLosesMore) {
    const Items items = {{{1, 1}, {2, 3}, {2, 1}, {1, 2}, {3, 0.5}}};
    EXPECT_EQ(chooseWithin(items, 2, {}).picks, std::vector<int>{0});
    EXPECT_EQ(chooseWithin(items, 3, {}).picks, std::vector<int>{4});
}

TEST(Choice, FindsWhatNoPriceFinds) {
    // The middle lies above the line between the ends: no price makes it the best.
    const ChoiceItem item = {{0, 10}, {1, 6}, {2, 0}};
    const Items items = {item, item};
    EXPECT_EQ(chooseWithin(items, 1, {}).loss, 16);
    EXPECT_EQ(chooseWithin(items, 3, {}).loss, 6);
}

/// Nothing but sums of subsets: the bound says nothing, and all costs are different.
TEST(Choice, EndsSoonWhereEveryChoiceIsWorthItsCost) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> cost(1, 1e9);
    Items items;
    for (int i = 0; i < 560; ++i) {
        const double each = cost(random);
        items.push_back({{0, each}, {each, 0}});
    }
    const auto start = std::chrono::steady_clock::now();
    const Selection found = chooseWithin(items, 1e11, {});
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_LE(found.cost, 1e11);
    EXPECT_GT(found.cost, 1e11 * 0.999);
    EXPECT_LT(seconds.count(), 20);
}

TEST(Choice, StopsWhenAsked) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> cost(1, 1e9);
    Items items(50);
    for (ChoiceItem& item : items) {
        const double each = std::floor(cost(random));
        item = {{0, 1.01 * each}, {each, 0}};
    }
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(chooseWithin(items, 1e10, source.get_token()), Cancelled);
}

TEST(Choice, FrontFallsAndIsConvex) {
    std::mt19937 random(11);
    const Items items = randomItems(random, 30);
    const std::vector<Choice> front = choiceFront(items);
    EXPECT_EQ(front.front().cost, leastCost(items));
    double slope = std::numeric_limits<double>::infinity();
    for (size_t i = 1; i < front.size(); ++i) {
        const double each =
            (front[i - 1].loss - front[i].loss) / (front[i].cost - front[i - 1].cost);
        EXPECT_GT(each, 0);
        EXPECT_LE(each, slope + 1e-9);
        slope = each;
    }
    const Selection best = chooseWithin(items, 1e9, {});
    EXPECT_NEAR(front.back().loss, best.loss, 1e-12);
}

} // namespace
} // namespace caldera
