// Dynamic programming over the few choices that can still improve a selection; for this folder.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "core/allocation/choice.h"

namespace caldera {

struct SearchStart {
    /// Best at the price: no choice of any item has less loss + price * cost.
    std::vector<int> picks;
    double price = 0;
    double room = 0; ///< that `picks` leaves of the budget
    double gap = 0;  ///< above the bound, what is to be beaten
};

struct SearchResult {
    std::vector<int> picks; ///< empty: nothing is better by more than rounding
    bool isComplete = true; ///< there was nothing that had to be left out
};

/// Throws Cancelled.
SearchResult searchChoices(std::span<const ChoiceItem> items, const SearchStart& start,
                           const std::stop_token& stop);

} // namespace caldera
