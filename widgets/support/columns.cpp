#include "widgets/support/columns.h"

#include <algorithm>
#include <numeric>

namespace caldera::studio {

int fittingColumns(const std::vector<int>& widths, int spacing, int room) {
    for (size_t columns = widths.size(); columns > 1; --columns) {
        std::vector<int> widest(columns, 0);
        for (size_t at = 0; at < widths.size(); ++at) {
            widest[at % columns] = std::max(widest[at % columns], widths[at]);
        }
        const int gaps = static_cast<int>(columns - 1) * spacing;
        if (std::accumulate(widest.begin(), widest.end(), gaps) <= room) {
            return static_cast<int>(columns);
        }
    }
    return 1;
}

} // namespace caldera::studio
