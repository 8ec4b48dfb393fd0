// How a value of a cell stands to the settings that are shown with it.
#pragma once

namespace caldera::studio {

enum class ValueStanding {
    Measured,  ///< at these settings, or where settings do not count
    WorkedOut, ///< for these settings, from measurements at others
    Elsewhere  ///< measured at other settings, and left as it is
};

} // namespace caldera::studio
