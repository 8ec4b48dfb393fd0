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
    QLabel* title_ = nullptr;
    ToneLabel* subtitle_ = nullptr;
    HeatmapPanel* heatmap_ = nullptr;
    QTabWidget* tabs_ = nullptr;
    Plot* depth_ = nullptr;
    FactsModel run_;
    FactsModel evaluation_;
    QStackedWidget* evaluationStack_ = nullptr;
    QPushButton* evaluate_ = nullptr;
};

} // namespace caldera::studio
