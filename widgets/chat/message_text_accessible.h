// What a screen reader learns of a message's text.
#pragma once

namespace caldera::studio {

/// From now on screen readers can read every MessageText. Any number of calls.
void makeMessageTextAccessible();

} // namespace caldera::studio
