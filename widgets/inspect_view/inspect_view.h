// The Inspect mode: what was measured, cell by cell, over the depth, and on texts.
#pragma once

#include <QWidget>

#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/models/facts_model.h"

class QLabel;
class QPushButton;
class QStackedWidget;
class QTabWidget;
class QTableView;

namespace caldera::studio {

class EmptyState;
class ErrorBanner;
class Plot;
class Session;
class ToneLabel;

class InspectView : public QWidget {
    Q_OBJECT
public:
    explicit InspectView(Session& session, QWidget* parent = nullptr);

    HeatmapPanel* heatmap() const { return heatmap_; }
    /// Whether there are cells to show, rather than the empty state.
    bool hasHeatmap() const;
    ErrorBanner* banner() const { return banner_; }
    QTabWidget* tabs() const { return tabs_; }

Q_SIGNALS:
    void openReportRequested();
    void compressRequested();
    void evaluateRequested();

private:
    QWidget* makeBody();
    QWidget* makeEvaluation();
    QTableView* makeTable(FactsModel& model, const QString& name);
    void showReport();
    void updateDepth();

    Session& session_;
    ErrorBanner* banner_;
    QStackedWidget* stack_;
    EmptyState* empty_;
    QLabel* title_;
    ToneLabel* subtitle_;
    HeatmapPanel* heatmap_;
    QTabWidget* tabs_;
    Plot* depth_;
    FactsModel run_;
    FactsModel evaluation_;
    QStackedWidget* evaluationStack_;
    QPushButton* evaluate_;
};

} // namespace caldera::studio
