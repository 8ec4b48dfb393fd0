// The mouse as a brush: while a painting tool is chosen, strokes over the heatmap edit the plan.
#pragma once

#include <QObject>

#include <optional>
#include <set>

#include "core/model/module.h"

class QMouseEvent;

namespace caldera::studio {

class HeatmapView;
class PaintState;
class PlanDocument;

/// The brush paints while it moves; the other tools outline what they reach and paint it when the
/// button is let go. A stroke is one step of the undo history.
class HeatmapStrokes : public QObject {
    Q_OBJECT
public:
    HeatmapStrokes(HeatmapView& view, PlanDocument& plan, PaintState& paint, QObject* parent);

    bool active() const { return stroke_.has_value(); }
    /// Takes back what the stroke at work has painted, and ends it.
    void cancel();

Q_SIGNALS:
    /// A stroke met locked cells.
    void leftAlone(int cells);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Stroke {
        Cell origin;
        Cell last;
        int id = 0;
        int leftAlone = 0;
        std::set<Cell> reached; ///< painted, or left alone
    };
    /// Whether a stroke begins there.
    bool press(const QMouseEvent& mouse);
    void follow(const QPoint& position);
    void begin(Cell cell);
    void moveTo(Cell cell);
    void end();
    void paintFrom(Cell from, Cell to);
    void showReach(std::optional<Cell> cell);
    /// What the keyboard would paint.
    void showTargets();
    void showTool();

    HeatmapView& view_;
    PlanDocument& plan_;
    PaintState& paint_;
    std::optional<Stroke> stroke_;
};

} // namespace caldera::studio
