// A cell of a running job that ended otherwise than its plan was measured to.
#pragma once

#include <QString>

namespace caldera::studio {

struct CellSurprise {
    QString text;      ///< a line for people
    int direction = 0; ///< 1: a larger error than expected, -1: a smaller one

    bool operator==(const CellSurprise&) const = default;
};

} // namespace caldera::studio
