#include "core/allocation/choice_hull.h"

#include <algorithm>
#include <numeric>

namespace caldera {

namespace {

/// Choices of an item by rising cost, each better than all before it.
std::vector<int> withoutDominated(const ChoiceItem& item) {
    std::vector<int> order(item.size());
    std::iota(order.begin(), order.end(), 0);
    const auto at = [&](int index) -> const Choice& { return item[static_cast<size_t>(index)]; };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return at(a).cost != at(b).cost ? at(a).cost < at(b).cost : at(a).loss < at(b).loss;
    });
    std::vector<int> kept;
    for (const int index : order) {
        if (kept.empty() || at(index).loss < at(kept.back()).loss) {
            kept.push_back(index);
        }
    }
    return kept;
}

/// Of those, the corners of the lower convex hull.
std::vector<int> cornersOf(const ChoiceItem& item) {
    const auto at = [&](int index) -> const Choice& { return item[static_cast<size_t>(index)]; };
    const auto isAbove = [&](const Choice& left, const Choice& middle, const Choice& right) {
        return (left.loss - middle.loss) * (right.cost - left.cost) <=
               (left.loss - right.loss) * (middle.cost - left.cost);
    };
    std::vector<int> corners;
    for (const int index : withoutDominated(item)) {
        while (corners.size() >= 2 &&
               isAbove(at(corners[corners.size() - 2]), at(corners.back()), at(index))) {
            corners.pop_back();
        }
        corners.push_back(index);
    }
    return corners;
}

} // namespace

ChoiceHull choiceHull(std::span<const ChoiceItem> items) {
    ChoiceHull hull;
    for (size_t i = 0; i < items.size(); ++i) {
        const std::vector<int> corners = cornersOf(items[i]);
        hull.cheapest.push_back(corners.front());
        for (size_t k = 1; k < corners.size(); ++k) {
            const Choice& from = items[i][static_cast<size_t>(corners[k - 1])];
            const Choice& to = items[i][static_cast<size_t>(corners[k])];
            hull.steps.push_back(
                {static_cast<int>(i), corners[k], to.cost - from.cost, from.loss - to.loss});
        }
    }
    std::stable_sort(hull.steps.begin(), hull.steps.end(),
                     [](const auto& a, const auto& b) { return a.efficiency() > b.efficiency(); });
    return hull;
}

} // namespace caldera
