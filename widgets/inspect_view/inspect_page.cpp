#include "widgets/inspect_view/inspect_page.h"

namespace caldera::studio {

QComboBox* InspectPage::makeOverlayBox() {
    auto* box = new QComboBox(this);
    box->setAccessibleName(tr("Cells that are drawn together"));
    box->addItem(tr("This cell"), static_cast<int>(Overlay::Cell));
    box->addItem(tr("Its module in all layers"), static_cast<int>(Overlay::Module));
    box->addItem(tr("All modules of its layer"), static_cast<int>(Overlay::Layer));
    connect(box, &QComboBox::activated, this, [this, box] {
        Q_EMIT overlayChosen(static_cast<Overlay>(box->currentData().toInt()));
    });
    return box;
}

void InspectPage::chooseByCurves(Plot* plot) {
    connect(plot, &Plot::pointClicked, this, [this, plot](const CurvePoint& point) {
        const QVariant& subject = plot->curves()[point.curve].subject;
        if (subject.canConvert<Cell>()) {
            Q_EMIT cellChosen(subject.value<Cell>());
        }
    });
}

} // namespace caldera::studio
