// The Inspect mode: what was measured, cell by cell, over the depth, and on texts.
#pragma once

#include <QWidget>

#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/inspect_view/inspect_focus.h"
#include "widgets/models/facts_model.h"

class QLabel;
class QPushButton;
class QStackedWidget;
class QTabWidget;
class QTableView;

namespace caldera::studio {

class CellsPage;
class ChannelsPage;
class ComparePage;
class DepthPage;
class EmptyState;
class ErrorBanner;
class HistoryPage;
class InspectPage;
class SpectraPage;
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
    HistoryPage* history() const { return history_; }
    SpectraPage* spectra() const { return spectra_; }
    ChannelsPage* channels() const { return channels_; }
    DepthPage* depth() const { return depth_; }
    CellsPage* cells() const { return cells_; }
    ComparePage* compare() const { return compare_; }
    /// What the shown page looks at.
    InspectFocus focus() const;

Q_SIGNALS:
    void openReportRequested();
    void compressRequested();
    void evaluateRequested();

private:
    QWidget* makeBody();
    QWidget* makeHeader();
    void makePages();
    template <typename Page>
    void addPage(Page*& page, Page* made, const QString& title);
    QWidget* makeEvaluation();
    QTableView* makeTable(FactsModel& model, const QString& name);
    void showReport();
    void showName(const Report* report);
    void updateDepth();
    /// The report whose cells are looked at; null: there is none.
    std::shared_ptr<const Report> measuredReport() const;
    void look();

    Session& session_;
    ErrorBanner* banner_;
    QStackedWidget* stack_;
    EmptyState* empty_;
    QLabel* title_ = nullptr;
    ToneLabel* subtitle_ = nullptr;
    HeatmapPanel* heatmap_ = nullptr;
    QTabWidget* tabs_ = nullptr;
    Overlay overlay_ = Overlay::Cell;
    HistoryPage* history_ = nullptr;
    SpectraPage* spectra_ = nullptr;
    ChannelsPage* channels_ = nullptr;
    DepthPage* depth_ = nullptr;
    CellsPage* cells_ = nullptr;
    ComparePage* compare_ = nullptr;
    FactsModel run_;
    FactsModel evaluation_;
    QStackedWidget* evaluationStack_ = nullptr;
    QPushButton* evaluate_ = nullptr;
};

} // namespace caldera::studio
