#include "core/allocation/choice.h"

#include <algorithm>
#include <cmath>

#include "core/allocation/choice_hull.h"
#include "core/allocation/choice_search.h"

namespace caldera {

namespace {

/// What rounding may leave of a gap that is none.
constexpr double kRounding = 1e-12;

Selection selectionOf(std::span<const ChoiceItem> items, std::vector<int> picks) {
    Selection selection;
    for (size_t i = 0; i < items.size(); ++i) {
        const Choice& choice = items[i][static_cast<size_t>(picks[i])];
        selection.cost += choice.cost;
        selection.loss += choice.loss;
    }
    selection.picks = std::move(picks);
    return selection;
}

/// Takes steps by falling efficiency while they fit; the first that does not fit sets the price.
/// Returns where it stands among the steps, or their number.
size_t takeWhileFitting(const std::vector<HullStep>& steps, double budget, std::vector<int>& picks,
                        double& cost) {
    for (size_t i = 0; i < steps.size(); ++i) {
        if (cost + steps[i].cost > budget) {
            return i;
        }
        cost += steps[i].cost;
        picks[static_cast<size_t>(steps[i].item)] = steps[i].to;
    }
    return steps.size();
}

/// The best selection that a price finds within a budget.
struct Relaxed {
    Selection selection;
    size_t broken = 0; ///< the step that did not fit any more, or the number of steps
    double price = 0;  ///< its efficiency
    double bound = 0;  ///< loss if a part of that step could be taken
};

Relaxed relax(std::span<const ChoiceItem> items, const ChoiceHull& hull, double budget) {
    std::vector<int> picks = hull.cheapest;
    double cost = selectionOf(items, picks).cost;
    Relaxed relaxed;
    relaxed.broken = takeWhileFitting(hull.steps, budget, picks, cost);
    relaxed.selection = selectionOf(items, std::move(picks));
    if (relaxed.broken < hull.steps.size()) {
        relaxed.price = hull.steps[relaxed.broken].efficiency();
    }
    relaxed.bound = relaxed.selection.loss - relaxed.price * (budget - relaxed.selection.cost);
    return relaxed;
}

/// Takes of the remaining steps what still fits; no item skips one.
void fillUp(const std::vector<HullStep>& steps, size_t first, double budget,
            std::vector<int>& picks, double cost) {
    std::vector<bool> isStuck(picks.size());
    for (size_t i = first; i < steps.size(); ++i) {
        const auto item = static_cast<size_t>(steps[i].item);
        if (isStuck[item] || cost + steps[i].cost > budget) {
            isStuck[item] = true;
            continue;
        }
        cost += steps[i].cost;
        picks[item] = steps[i].to;
    }
}

} // namespace

double leastCost(std::span<const ChoiceItem> items) {
    double cost = 0;
    for (const ChoiceItem& item : items) {
        cost += std::min_element(item.begin(), item.end(), [](const Choice& a, const Choice& b) {
                    return a.cost < b.cost;
                })->cost;
    }
    return cost;
}

double lossBound(std::span<const ChoiceItem> items, double budget) {
    const ChoiceHull hull = choiceHull(items);
    return relax(items, hull, budget).bound;
}

Selection chooseWithin(std::span<const ChoiceItem> items, double budget,
                       const std::stop_token& stop) {
    const ChoiceHull hull = choiceHull(items);
    const Relaxed relaxed = relax(items, hull, budget);
    if (relaxed.broken == hull.steps.size()) {
        return relaxed.selection;
    }
    std::vector<int> filled = relaxed.selection.picks;
    fillUp(hull.steps, relaxed.broken, budget, filled, relaxed.selection.cost);
    Selection best = selectionOf(items, std::move(filled));
    const double bound = relaxed.bound;
    if (best.loss - bound > kRounding * std::abs(bound)) {
        const SearchStart start{relaxed.selection.picks, relaxed.price,
                                budget - relaxed.selection.cost, best.loss - bound};
        const SearchResult found = searchChoices(items, start, stop);
        if (!found.picks.empty()) {
            best = selectionOf(items, found.picks);
        }
        best.gap = found.isComplete ? 0 : std::max(best.loss - bound, 0.0);
    }
    best.price = relaxed.price;
    return best;
}

std::vector<Choice> choiceFront(std::span<const ChoiceItem> items) {
    const ChoiceHull hull = choiceHull(items);
    const Selection first = selectionOf(items, hull.cheapest);
    std::vector<Choice> front = {{first.cost, first.loss}};
    for (const HullStep& step : hull.steps) {
        front.push_back({front.back().cost + step.cost, front.back().loss - step.gain});
    }
    return front;
}

} // namespace caldera
