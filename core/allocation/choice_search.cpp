#include "core/allocation/choice_search.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/pause.h"

namespace caldera {

namespace {

/// States are kept so many that an item's changes to them are about this many.
constexpr size_t kMostWork = 8 << 10;
constexpr size_t kFewestStates = 256;

/// A choice other than the item's pick.
struct Change {
    int choice = 0;
    double cost = 0;   ///< more than the pick's, or less
    double excess = 0; ///< of loss + price * cost over the pick's, at least 0
};

/// Changes of one item that could be part of a better selection.
struct Open {
    int item = 0;
    std::vector<Change> changes;
    double leastExcess() const { return changes.front().excess; }
};

/// What was changed last, and what before it (-1: nothing).
struct Link {
    int before = -1;
    int item = 0;
    int choice = 0;
};

/// A selection that differs from the start in the items looked at so far. A better selection than
/// the start's bound by `excess + price * unused budget`.
struct State {
    double cost = 0; ///< more than the start's
    double excess = 0;
    int link = -1;
};

class Search {
public:
    Search(std::span<const ChoiceItem> items, const SearchStart& start)
        : items_(items), start_(start), gap_(start.gap) {
        openItems();
    }

    SearchResult run(const std::stop_token& stop) {
        std::vector<State> states = {State{}};
        consider(states.front());
        for (size_t i = 0; i < open_.size(); ++i) {
            checkCancelled(stop);
            states = next(states, i);
        }
        SearchResult result;
        result.isComplete = isComplete_;
        if (isFound_) {
            result.picks = start_.picks;
            for (int link = best_; link >= 0; link = links_[static_cast<size_t>(link)].before) {
                const Link& each = links_[static_cast<size_t>(link)];
                result.picks[static_cast<size_t>(each.item)] = each.choice;
            }
        }
        return result;
    }

private:
    void openItems() {
        for (size_t i = 0; i < items_.size(); ++i) {
            Open open{static_cast<int>(i), changesOf(i)};
            if (!open.changes.empty()) {
                open_.push_back(std::move(open));
            }
        }
        // What is likeliest to be changed first: good selections are found early.
        std::stable_sort(open_.begin(), open_.end(), [](const Open& a, const Open& b) {
            return a.leastExcess() < b.leastExcess();
        });
        cheaper_.assign(open_.size() + 1, 0);
        dearer_.assign(open_.size() + 1, 0);
        for (size_t i = open_.size(); i-- > 0;) {
            double least = 0;
            double most = 0;
            for (const Change& change : open_[i].changes) {
                least = std::min(least, change.cost);
                most = std::max(most, change.cost);
            }
            cheaper_[i] = cheaper_[i + 1] + least;
            dearer_[i] = dearer_[i + 1] + most;
        }
    }

    std::vector<Change> changesOf(size_t item) const {
        const Choice& pick = items_[item][static_cast<size_t>(start_.picks[item])];
        std::vector<Change> changes;
        for (size_t i = 0; i < items_[item].size(); ++i) {
            const Choice& choice = items_[item][i];
            const double cost = choice.cost - pick.cost;
            const double excess = std::max(choice.loss - pick.loss + start_.price * cost, 0.0);
            if (excess < gap_ && static_cast<int>(i) != start_.picks[item]) {
                changes.push_back({static_cast<int>(i), cost, excess});
            }
        }
        std::stable_sort(changes.begin(), changes.end(),
                         [](const Change& a, const Change& b) { return a.excess < b.excess; });
        return changes;
    }

    /// Every state without and with each change of an item.
    std::vector<State> next(const std::vector<State>& states, size_t index) {
        const Open& open = open_[index];
        std::vector<State> found;
        found.reserve(states.size() * (1 + open.changes.size()));
        for (const State& state : states) {
            if (isPromising(state, index + 1)) {
                found.push_back(state);
            }
        }
        for (const Change& change : open.changes) {
            const size_t before = found.size();
            for (const State& state : states) {
                addChanged(state, open.item, change, index + 1, found);
            }
            // Both parts are in order: states are, and a change adds the same to each.
            std::inplace_merge(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(before),
                               found.end(), isBefore);
        }
        const size_t following = index + 1 < open_.size() ? open_[index + 1].changes.size() : 0;
        return thinned(withoutDominated(found),
                       std::max(kFewestStates, kMostWork / (1 + following)));
    }

    void addChanged(const State& state, int item, const Change& change, size_t following,
                    std::vector<State>& found) {
        State changed{state.cost + change.cost, state.excess + change.excess, state.link};
        if (!isPromising(changed, following)) {
            return;
        }
        links_.push_back({state.link, item, change.choice});
        changed.link = static_cast<int>(links_.size()) - 1;
        consider(changed);
        found.push_back(changed);
    }

    static bool isBefore(const State& a, const State& b) {
        return a.cost != b.cost ? a.cost < b.cost : a.excess < b.excess;
    }

    /// Whether changes of the items from `index` on can still make it fit and beat the best.
    bool isPromising(const State& state, size_t index) const {
        const double unused = start_.room - state.cost - dearer_[index];
        return state.cost + cheaper_[index] <= start_.room &&
               state.excess + start_.price * std::max(unused, 0.0) < gap_;
    }

    void consider(const State& state) {
        const double unused = start_.room - state.cost;
        if (unused >= 0 && state.excess + start_.price * unused < gap_) {
            gap_ = state.excess + start_.price * unused;
            best_ = state.link;
            isFound_ = true;
        }
    }

    double loss(const State& state) const { return state.excess - start_.price * state.cost; }

    /// Of states in order, those that are better than all before them.
    std::vector<State> withoutDominated(const std::vector<State>& states) const {
        std::vector<State> kept;
        for (const State& state : states) {
            if (kept.empty() || loss(state) < loss(kept.back())) {
                kept.push_back(state);
            }
        }
        return kept;
    }

    /// Keeps the state of least excess in each of `most` stretches of the costs.
    std::vector<State> thinned(std::vector<State> states, size_t most) {
        if (states.size() <= most) {
            return states;
        }
        isComplete_ = false;
        const double first = states.front().cost;
        const double stretch = (states.back().cost - first) / static_cast<double>(most);
        std::vector<State> kept;
        double end = first;
        for (const State& state : states) {
            if (kept.empty() || state.cost >= end) {
                kept.push_back(state);
                end = first + stretch * (std::floor((state.cost - first) / stretch) + 1);
            } else if (state.excess < kept.back().excess) {
                kept.back() = state;
            }
        }
        return kept;
    }

    std::span<const ChoiceItem> items_;
    const SearchStart& start_;
    double gap_; ///< of the best selection so far
    bool isComplete_ = true;
    bool isFound_ = false;
    int best_ = -1; ///< link of the best selection
    std::vector<Open> open_;
    std::vector<double> cheaper_; ///< least cost that the items from each on can add, at most 0
    std::vector<double> dearer_;  ///< most cost, at least 0
    std::vector<Link> links_;
};

} // namespace

SearchResult searchChoices(std::span<const ChoiceItem> items, const SearchStart& start,
                           const std::stop_token& stop) {
    return Search(items, start).run(stop);
}

} // namespace caldera
