// What the heatmap's colours mean: the ramp from calm to fragile, its histogram, the hatch.
#pragma once

#include <QWidget>

namespace caldera::studio {

class CellGridModel;

class HeatmapLegend : public QWidget {
    Q_OBJECT
public:
    explicit HeatmapLegend(const CellGridModel& model, QWidget* parent = nullptr);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    const CellGridModel& model_;
};

} // namespace caldera::studio
