// A line of text in parts, cut only between them.
#pragma once

#include <QStringList>
#include <QWidget>

namespace caldera::studio {

/// As many of its parts as fit whole, the first ones first; the tooltip has all of them.
class PartsLabel : public QWidget {
    Q_OBJECT
public:
    using QWidget::QWidget;
    void setParts(const QString& caption, const QStringList& parts);
    /// All of it; empty without parts.
    QString text() const { return textOf(parts_.size()); }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {0, sizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString textOf(qsizetype count) const;
    QString caption_;
    QStringList parts_;
};

} // namespace caldera::studio
