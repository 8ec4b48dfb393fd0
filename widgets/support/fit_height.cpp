#include "widgets/support/fit_height.h"

#include <QLayout>
#include <QWidget>

namespace caldera::studio {

void fitHeight(QWidget& window) {
    const int width = qMax(window.width(), window.minimumWidth());
    // What was shown a moment ago is known to the layout around it, and to those above only later.
    for (QWidget* part : window.findChildren<QWidget*>()) {
        if (part->layout() != nullptr) {
            part->updateGeometry();
        }
    }
    window.layout()->invalidate();
    const int height = window.layout()->totalHeightForWidth(width);
    window.setMinimumHeight(height);
    window.resize(width, height);
}

} // namespace caldera::studio
