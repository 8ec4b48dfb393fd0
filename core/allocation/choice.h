// One choice for each of many items, together within a budget (the multiple-choice knapsack
// problem).
#pragma once

#include <span>
#include <stop_token>
#include <vector>

namespace caldera {

/// Both finite; costs are at least 0.
struct Choice {
    double cost = 0;
    double loss = 0;
};

/// The choices of one item, at least one.
using ChoiceItem = std::vector<Choice>;

struct Selection {
    std::vector<int> picks; ///< of each item, the index of its choice
    double cost = 0;
    double loss = 0;
    /// Loss that one more unit of the budget would take away.
    double price = 0;
    /// No selection within the budget loses less than `loss - gap`; 0: this is the best.
    double gap = 0;
};

/// Sum of each item's cheapest choice.
double leastCost(std::span<const ChoiceItem> items);

/// No selection within the budget, which is at least leastCost(), loses less.
double lossBound(std::span<const ChoiceItem> items, double budget);

/// The selection of least loss that costs at most `budget`, which is at least leastCost(). Equal
/// input gives equal output. Throws Cancelled.
Selection chooseWithin(std::span<const ChoiceItem> items, double budget,
                       const std::stop_token& stop);

/// Costs and losses of the best selections that a price alone finds, from the cheapest selection to
/// the one of least loss.
std::vector<Choice> choiceFront(std::span<const ChoiceItem> items);

} // namespace caldera
