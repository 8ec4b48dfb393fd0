// A small picture of the model that fills in as cells finish.
#pragma once

#include <QHash>
#include <QWidget>

#include "widgets/jobs/job_history.h"
#include "widgets/models/color_scale.h"

namespace caldera::studio {

/// Layers run to the right, modules down; colours as in the heatmap of the same values, among those
/// that have come so far. Cells not finished are outlined, never coloured. Hover names a cell.
class CellMap : public QWidget {
    Q_OBJECT
public:
    explicit CellMap(QWidget* parent = nullptr);

    /// `metric` is what a measurement tells; empty: errors of a result. `layers` is how many the
    /// job will fill; 0: as many as have cells.
    void setCells(const QList<JobCell>& cells, const QString& metric, int layers = 0);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    QRectF cellArea(int layer, int row) const;
    const JobCell* cellAt(const QPoint& position) const;
    QString textOf(const JobCell& cell) const;

    QList<JobCell> cells_;
    QString metric_;
    ColorScale scale_;
    int layers_ = 0;
};

/// A line of recent speed, without axes.
class SpeedLine : public QWidget {
    Q_OBJECT
public:
    explicit SpeedLine(QWidget* parent = nullptr);

    /// Seconds of the fresh cells, in their order.
    void setCells(const QList<JobCell>& cells);
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QList<double> speeds_; ///< cells a minute
};

} // namespace caldera::studio
