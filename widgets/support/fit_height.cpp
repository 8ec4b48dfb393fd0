#include "widgets/support/fit_height.h"

#include <QLayout>
#include <QWidget>

namespace caldera::studio {

void fitHeight(QWidget& window) {
    const int width = qMax(window.width(), window.minimumWidth());
    window.layout()->invalidate();
    const int height = window.layout()->totalHeightForWidth(width);
    window.setMinimumHeight(height);
    window.resize(width, height);
}

} // namespace caldera::studio
