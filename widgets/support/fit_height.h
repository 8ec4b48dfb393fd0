// Windows with sentences that wrap.
#pragma once

class QWidget;

namespace caldera::studio {

/// As high as its layout needs at its width, and no lower.
void fitHeight(QWidget& window);

} // namespace caldera::studio
