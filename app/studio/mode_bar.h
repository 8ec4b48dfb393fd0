// The slim bar on the left: one button for each mode.
#pragma once

#include <QList>
#include <QWidget>

class QAction;

namespace caldera::studio {

class ModeBar : public QWidget {
    Q_OBJECT
public:
    /// One button per action, in order; the actions are checkable and exclusive.
    explicit ModeBar(const QList<QAction*>& modes, QWidget* parent = nullptr);

protected:
    void paintEvent(QPaintEvent* event) override;
};

} // namespace caldera::studio
