// The Plan mode: the heatmap of the open model, the plan's settings, what they cost, Compress.
#pragma once

#include <QTimer>
#include <QWidget>

#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/models/module_table_model.h"
#include "widgets/models/plan_comparison.h"
#include "widgets/models/plan_solver.h"

class QLabel;
class QPushButton;
class QTabWidget;

namespace caldera::studio {

class EmptyState;
class BudgetBar;
class DifferencePanel;
class ErrorBanner;
class FrontPanel;
class HeatmapEditor;
class KeyHelp;
class MessageRoom;
class ModuleTable;
class NoticeBar;
class PageStack;
class PaintBar;
class PlanSettings;
class Session;
class ToneLabel;
class TruthBar;

class PlanView : public QWidget {
    Q_OBJECT
public:
    explicit PlanView(Session& session, QWidget* parent = nullptr);

    HeatmapPanel* heatmap() const { return heatmap_; }
    HeatmapEditor* editor() const { return editor_; }
    PlanSolver& solver() { return solver_; }
    BudgetBar* budget() const { return budget_; }
    FrontPanel* front() const { return front_; }
    PlanComparison& comparison() { return comparison_; }
    DifferencePanel* differences() const { return differences_; }
    PaintBar* paintBar() const { return paintBar_; }
    PlanSettings* settings() const { return settings_; }
    ErrorBanner* banner() const { return banner_; }
    NoticeBar* notice() const { return notice_; }
    QPushButton* measureButton() const { return measure_; }
    QPushButton* compressButton() const { return compress_; }
    QPushButton* reviseButton() const { return revise_; }
    /// Whether a compression of the open model is at work that would take another plan.
    void setRevisable(bool isRevisable);

    /// Lists the keys of the heatmap over the view.
    void showKeys();
    KeyHelp* keyHelp() const { return keys_; }

Q_SIGNALS:
    void openRequested();
    void compareRequested();
    void measureRequested();
    void compressRequested();
    /// The compression at work shall go on with the plan as it is.
    void reviseRequested();

private:
    QWidget* makeEmptyState();
    void fillTruthBar();
    QWidget* makeHeader();
    QWidget* makeTables();
    void showComparison();
    void connectSolver();
    QWidget* makeBody();
    void showOpened();
    void showPlan();
    void showModules();
    void showFigures();

    Session& session_;
    ErrorBanner* banner_;
    NoticeBar* notice_;
    QString solved_; ///< what the notice said of a Solve, while it holds
    PageStack* stack_;
    QLabel* title_ = nullptr;
    ToneLabel* subtitle_ = nullptr;
    HeatmapPanel* heatmap_ = nullptr;
    HeatmapEditor* editor_ = nullptr;
    PaintBar* paintBar_ = nullptr;
    KeyHelp* keys_;
    PlanSettings* settings_ = nullptr;
    PlanComparison comparison_;
    PlanSolver solver_;
    BudgetBar* budget_ = nullptr;
    FrontPanel* front_ = nullptr;
    DifferencePanel* differences_ = nullptr;
    QTabWidget* tables_ = nullptr;
    MessageRoom* lower_ = nullptr; ///< the tables, and messages while a model is open
    ModuleTableModel modules_;
    QTimer liveCells_; ///< values of a run come faster than the table is drawn
    ModuleTable* table_ = nullptr;
    TruthBar* truth_;
    QPushButton* measure_;
    QPushButton* revise_;
    QPushButton* compress_;
};

} // namespace caldera::studio
