#include "widgets/plan_view/measure_dialog.h"

#include <QDialogButtonBox>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/support/fit_height.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kWidth = 620;
}

QString measuringText(const QString& model, const ModelConfig& config) {
    return MeasureDialog::tr(
               "Finds out how fragile each of the %1 cells of %2 is, with the plan as "
               "it is now, and compresses nothing. Metrics that were measured before "
               "are kept.")
        .arg(countText(config.cellCount()), model);
}

MeasureDialog::MeasureDialog(const QString& model, const ModelConfig& config,
                             const MeasureSettings& suggested, const QStringList& measured,
                             QWidget* parent)
    : QDialog(parent), form_(new MeasureForm(config, suggested, measured, this)) {
    setObjectName(u"measureDialog"_s);
    setWindowTitle(tr("Measure"));
    setMinimumWidth(kWidth);
    auto* text = new ToneLabel(measuringText(model, config), Token::Secondary, this);
    text->setWordWrap(true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(text);
    layout->addWidget(form_);
    layout->addWidget(makeButtons());
    connect(form_, &MeasureForm::changed, this, &MeasureDialog::update);
    update();
}

QWidget* MeasureDialog::makeButtons() {
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    start_ = buttons->addButton(tr("Start"), QDialogButtonBox::AcceptRole);
    start_->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    return buttons;
}

void MeasureDialog::update() {
    start_->setEnabled(form_->isSound());
    fitHeight(*this);
}

} // namespace caldera::studio
