// A page of Inspect: shows something about the cell that is looked at.
#pragma once

#include <QComboBox>
#include <QWidget>

#include "widgets/inspect_view/inspect_focus.h"
#include "widgets/support/plot.h"

namespace caldera::studio {

class InspectPage : public QWidget {
    Q_OBJECT
public:
    using QWidget::QWidget;
    /// Called while the page is shown, whenever cell, overlay or report change.
    virtual void look(const InspectFocus& focus) = 0;
    /// Whether the page has anything to show of what is open, whichever cell is looked at.
    virtual bool hasDataOf(const InspectFocus& /*focus*/) const { return true; }

Q_SIGNALS:
    /// A person chose a cell here.
    void cellChosen(const caldera::Cell& cell);
    /// The mouse is at a cell here; nothing: it left.
    void cellPointed(const std::optional<caldera::Cell>& cell);
    /// A person chose what is drawn together.
    void overlayChosen(caldera::studio::Overlay overlay);

protected:
    /// A choice of the overlay; it shows the one that is looked at once look() has set it.
    QComboBox* makeOverlayBox();
    /// A click on a curve whose subject is a cell chooses that cell.
    void chooseByCurves(Plot* plot);
};

} // namespace caldera::studio
