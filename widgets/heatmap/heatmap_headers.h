// The heatmap's edges: module names at the left, layer ticks at the top.
#pragma once

#include <QHeaderView>

namespace caldera::studio {

class HeatmapHeader : public QHeaderView {
    Q_OBJECT
public:
    explicit HeatmapHeader(Qt::Orientation orientation, QWidget* parent = nullptr);
    /// The section under the crosshair, or -1.
    void setMarked(int section);

protected:
    void paintEvent(QPaintEvent* event) override;
    void paintSection(QPainter* painter, const QRect& area, int section) const override;
    QSize sectionSizeFromContents(int section) const override;

private:
    /// Every how many layers a number is written, so that numbers do not touch.
    int tickStep() const;
    int marked_ = -1;
};

} // namespace caldera::studio
