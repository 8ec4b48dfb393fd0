// The Inspect mode: what was measured, cell by cell, over the depth, and on texts.
#pragma once

#include <QWidget>

#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/inspect_view/inspect_focus.h"
#include "widgets/models/facts_model.h"

class QLabel;
class QTabWidget;
class QTableView;

namespace caldera::studio {

class BlamePage;
class CellsPage;
class ChannelsPage;
class ComparePage;
class DepthPage;
class EmptyState;
class ErrorBanner;
class EvaluationPage;
class HistoryPage;
class InspectPage;
class PageStack;
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
    EvaluationPage* evaluation() const { return evaluation_; }
    BlamePage* blame() const { return blame_; }
    /// What the shown page looks at.
    InspectFocus focus() const;
    /// A word of an answer is being explained: shows the page that will tell.
    void expectBlame(const QString& word);
    void endBlame();
    /// Asks where to write the one-page report.
    void exportSummary();

Q_SIGNALS:
    void openReportRequested();
    void compressRequested();
    void evaluateRequested();
    void blameRequested(const QString& text, int place);
    void putBackRequested(const QStringList& cells);

private:
    QWidget* makeBody();
    QWidget* makeHeader();
    void makePages();
    template <typename Page>
    void addPage(Page*& page, Page* made, const QString& title);
    QTableView* makeTable(FactsModel& model, const QString& name);
    void showReport();
    /// Shows the page that was chosen last, or, where it has nothing of what is open, the first
    /// that has.
    void leaveEmptyPage();
    void showName(const Report* report);
    void updateDepth();
    /// The report whose cells are looked at; null: there is none.
    std::shared_ptr<const Report> measuredReport() const;
    void look();

    Session& session_;
    ErrorBanner* banner_;
    PageStack* stack_;
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
    EvaluationPage* evaluation_ = nullptr;
    BlamePage* blame_ = nullptr;
    int wantedPage_ = 0; ///< that somebody chose; another is shown where it has no data
    std::shared_ptr<const Report> shownReport_;
    std::shared_ptr<const Report> shownBlame_; ///< what the heatmap was turned to
    FactsModel run_;
};

} // namespace caldera::studio
