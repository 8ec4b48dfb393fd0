// Pages of which one fills the room that there is.
#pragma once

#include <QStackedWidget>

namespace caldera::studio {

/// A QStackedWidget whose height does not follow from its width: else every change of a text would
/// measure the wrapped sentences of all pages, also of those that are not shown.
class PageStack : public QStackedWidget {
    Q_OBJECT
public:
    using QStackedWidget::QStackedWidget;

    bool hasHeightForWidth() const override { return false; }
};

} // namespace caldera::studio
