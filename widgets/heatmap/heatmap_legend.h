// What the heatmap's colours mean: the ramp from calm to fragile, or from better to worse, with its
// numbers and histogram, the hatch.
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
    /// Returns where the next one may begin.
    static int paintWord(QPainter& painter, int left, const QString& word);
    void paintHistogram(QPainter& painter, int left) const;
    static void paintRamp(QPainter& painter, int left, bool diverging);
    void paintTicks(QPainter& painter, int left) const;

    const CellGridModel& model_;
};

} // namespace caldera::studio
