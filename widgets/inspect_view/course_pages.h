// Pages of Inspect with one plot: the course of the error in a cell, and its singular values.
#pragma once

#include "widgets/inspect_view/inspect_curves.h"
#include "widgets/inspect_view/inspect_page.h"

class QComboBox;

namespace caldera::studio {

class Plot;
class ToneLabel;

/// Relative error after every step of the solver.
class HistoryPage : public InspectPage {
    Q_OBJECT
public:
    explicit HistoryPage(QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    bool hasDataOf(const InspectFocus& focus) const override {
        return focus.has(&CellReport::history);
    }
    Plot* plot() const { return plot_; }
    ToneLabel* readout() const { return readout_; }
    QComboBox* overlayBox() const { return overlay_; }

private:
    Plot* plot_;
    ToneLabel* readout_;
    QComboBox* overlay_;
};

/// Singular values, with a rank that says how much energy it keeps.
class SpectraPage : public InspectPage {
    Q_OBJECT
public:
    explicit SpectraPage(QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    bool hasDataOf(const InspectFocus& focus) const override {
        return focus.has(&CellReport::singularValues);
    }
    Plot* plot() const { return plot_; }
    ToneLabel* readout() const { return readout_; }
    QComboBox* overlayBox() const { return overlay_; }
    QComboBox* kindBox() const { return kind_; }
    /// Puts the cursor at a rank; it stays there for other cells.
    void setRank(int rank);

private:
    void draw();
    void read();
    int shownRank() const;

    InspectFocus focus_;
    std::optional<int> rank_; ///< chosen; otherwise the cell's own
    Plot* plot_;
    ToneLabel* readout_;
    QComboBox* overlay_;
    QComboBox* kind_;
};

} // namespace caldera::studio
