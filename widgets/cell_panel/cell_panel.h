// One cell in figures and plots; follows the hovered cell and stays on the pinned one.
#pragma once

#include <QWidget>

#include <optional>

#include "widgets/cell_panel/cell_details.h"

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLabel;
class QSpinBox;
class QStackedWidget;
class QToolButton;

namespace caldera::studio {

class ElidedLabel;
class Plot;
class ToneLabel;

class CellPanel : public QWidget {
    Q_OBJECT
public:
    explicit CellPanel(QWidget* parent = nullptr);

    /// nullopt shows the empty state.
    void showCell(const std::optional<CellDetails>& details);
    void setPinned(bool pinned);
    /// Whether rank, lock and skip can be edited (Plan).
    void setEditable(bool editable);
    /// The plot of singular values with the rank as a line.
    Plot* spectra() const { return spectra_; }
    const std::optional<CellDetails>& details() const { return details_; }

Q_SIGNALS:
    void unpinRequested();
    void rankEdited(const caldera::Cell& cell, int rank);
    /// The rank line was taken hold of; every rankDragged() until the next one is the same stroke.
    void rankDragBegan();
    void rankDragged(const caldera::Cell& cell, int rank);
    void bitsEdited(const caldera::Cell& cell, double bits);
    void codecEdited(const caldera::Cell& cell, const QString& family);
    void lockEdited(const caldera::Cell& cell, bool locked);
    void skipEdited(const caldera::Cell& cell, bool skipped);

private:
    QWidget* makeHead();
    QWidget* makeFacts();
    QWidget* makeEditors();
    void layOutEditors();
    void connectEditors();
    void fillBits();
    QWidget* makePlots();
    void updateFacts();
    void updateEditors();
    void updateHistory();
    void updateSpectra();

    std::optional<CellDetails> details_;
    bool editable_ = false;
    QStackedWidget* stack_;
    QLabel* title_ = nullptr;
    ElidedLabel* name_ = nullptr;
    QToolButton* unpin_ = nullptr;
    ToneLabel* shape_ = nullptr;
    ToneLabel* settings_ = nullptr;
    ToneLabel* planned_ = nullptr;
    ToneLabel* size_ = nullptr;
    ToneLabel* bpw_ = nullptr;
    QLabel* metric_ = nullptr;
    ToneLabel* value_ = nullptr;
    ToneLabel* valueKind_ = nullptr;
    ToneLabel* reason_ = nullptr;
    QWidget* editors_ = nullptr;
    QComboBox* bits_ = nullptr;
    QComboBox* codec_ = nullptr;
    QSpinBox* rank_ = nullptr;
    QCheckBox* locked_ = nullptr;
    QCheckBox* skipped_ = nullptr;
    QWidget* historySection_ = nullptr;
    Plot* history_ = nullptr;
    QWidget* spectraSection_ = nullptr;
    Plot* spectra_ = nullptr;
    ToneLabel* noPlots_ = nullptr;
};

} // namespace caldera::studio
