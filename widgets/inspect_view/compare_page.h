// The page of Inspect that holds another run beside the one that is open, cell by cell.
#pragma once

#include "widgets/inspect_view/inspect_page.h"
#include "widgets/support/failure.h"

class QPushButton;
class QStackedWidget;

namespace caldera::studio {

class CellTable;
class ErrorBanner;
class Session;
class ToneLabel;

/// Two reports of models of the same shape.
struct RunPair {
    std::shared_ptr<const Report> here;
    std::shared_ptr<const Report> there;
    QString name; ///< of the other one

    /// Cells whose error both measured.
    std::vector<Cell> cells() const;
    /// There over here: below 1 the other run is better.
    double ratio(Cell cell) const;
};
/// Why the other report cannot be compared; empty: it can.
QString whyNotComparable(const Report& here, const Report& there);

class ComparePage : public InspectPage {
    Q_OBJECT
public:
    explicit ComparePage(Session& session, QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    bool hasDataOf(const InspectFocus& focus) const override { return focus.report != nullptr; }
    /// Reads an artifact's folder or a report, then shows it beside what is open.
    void compareWith(const QString& path);
    const RunPair& pair() const { return pair_; }
    CellTable* cells() const { return cells_; }
    Plot* plot() const { return plot_; }
    ErrorBanner* banner() const { return banner_; }
    ToneLabel* summary() const { return summary_; }

Q_SIGNALS:
    /// The session has a metric that compares with the run that was chosen.
    void compared();

private:
    void choose();
    void take(const std::shared_ptr<const Report>& other, const QString& name);
    void showPair();
    void colourCells();

    Session& session_;
    RunPair pair_;
    InspectFocus focus_;
    int generation_ = 0; ///< counts what was asked for: the last one is shown
    ErrorBanner* banner_;
    ToneLabel* summary_;
    QPushButton* button_;
    QStackedWidget* stack_;
    Plot* plot_;
    CellTable* cells_;
};

} // namespace caldera::studio
