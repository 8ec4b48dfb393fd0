// Heatmap, legend and choice of metric as one piece, fed by the session.
#pragma once

#include <QWidget>

#include <optional>

#include "core/model/module.h"
#include "core/plan/plan_cells.h"
#include "widgets/models/cell_grid_model.h"

class QComboBox;
class QHBoxLayout;

namespace caldera::studio {

class HeatmapLegend;
class HeatmapView;
class MetricValues;
class PartsLabel;
class Session;
struct MetricLayer;

class HeatmapPanel : public QWidget {
    Q_OBJECT
public:
    /// Planned shows the settings of the plan and prefers what was measured before compressing;
    /// Measured shows what the report says was done, and prefers its errors.
    enum class Source { Planned, Measured };

    HeatmapPanel(Session& session, Source source, QWidget* parent = nullptr);

    HeatmapView* view() const { return view_; }
    CellGridModel& grid() { return grid_; }
    /// Shows what another plan has where it differs; null: none. It stays the caller's, who tells
    /// when it changed by calling this again.
    void setOther(const PlanCells* other);
    /// The choice of the metric with its caption; a view places it in its header.
    QWidget* metricChoice() const { return choice_; }
    /// How far other metrics agree with it, in one line; a view places it in its header.
    PartsLabel* agreement() const { return agreement_; }
    QComboBox* metricBox() const { return metrics_; }
    QComboBox* scaleBox() const { return scales_; }
    QString metricId() const;
    /// Colours by this metric, as if a person had chosen it. Nothing happens when there is none.
    void showMetric(const QString& id);
    /// The cell with the largest value; nullopt when nothing is measured.
    std::optional<Cell> mostFragile() const;

Q_SIGNALS:
    void metricShown();

protected:
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void takeMetrics();
    void makeMetrics();
    void makeScales();
    void showLiveCell(const Cell& cell, double error);
    void showScale();
    void showChosenMetric();
    void rebuild();
    QString preferredMetric() const;
    void showWideCells();
    void showAgreement(const MetricLayer& shown);
    std::vector<GridCell> cells(int layers) const;
    void addValue(GridCell& shown, const MetricLayer& metric, MetricValues& values,
                  Cell cell) const;
    const CellSettings* settingsOf(Cell cell) const;
    GridCell cellOf(Cell cell) const;
    std::optional<GridCell::Other> otherOf(Cell cell, const CellSettings& here) const;
    void followPlan();

    Session& session_;
    Source source_;
    const PlanCells* other_ = nullptr;
    bool stale_ = false; ///< the plan changed while nobody saw this
    CellGridModel grid_;
    HeatmapView* view_;
    HeatmapLegend* legend_;
    QHBoxLayout* legendLine_;
    QWidget* choice_;
    QComboBox* metrics_;
    PartsLabel* agreement_;
    QWidget* scale_; ///< the choice of it with its caption
    QComboBox* scales_;
    bool chosen_ = false; ///< by the person, so it stays
};

} // namespace caldera::studio
