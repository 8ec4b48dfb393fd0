#include "widgets/plan_view/begin_dialog.h"

#include <QDialogButtonBox>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/plan_view/evaluate_form.h"
#include "widgets/plan_view/preflight_line.h"
#include "widgets/support/fit_height.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kWidth = 520;
constexpr int kRecheck = 300; ///< milliseconds
} // namespace

BeginDialog::BeginDialog(const QString& title, const QString& summary, Check check, QWidget* parent)
    : QDialog(parent), check_(check), preflight_(new PreflightLine(this)),
      layout_(new QVBoxLayout(this)) {
    recheck_.setSingleShot(true);
    recheck_.setInterval(kRecheck);
    connect(&recheck_, &QTimer::timeout, this, &BeginDialog::check);
    setObjectName(u"beginDialog"_s);
    setWindowTitle(title);
    setMinimumWidth(kWidth);
    auto* text = new ToneLabel(summary, Token::Text, this);
    text->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    start_ = buttons->addButton(tr("Start"), QDialogButtonBox::AcceptRole);
    start_->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    layout_->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout_->setSpacing(kSpaceLarge);
    layout_->addWidget(text);
    layout_->addWidget(preflight_);
    layout_->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(preflight_, &PreflightLine::askRequested, this, &BeginDialog::check);
    connect(preflight_, &PreflightLine::changed, this, &BeginDialog::update);
    preflight_->showNothing(check == Check::OnAsking);
}

void BeginDialog::showEvent(QShowEvent* event) {
    QDialog::showEvent(event);
    if (check_ == Check::AtOnce) {
        check();
    }
}

void BeginDialog::askEvaluation(const EvaluateSettings& suggested) {
    evaluation_ = new EvaluateForm(suggested, this);
    layout_->insertWidget(1, evaluation_); // under what the run does
    connect(evaluation_, &EvaluateForm::changed, this, &BeginDialog::forgetCheck);
    update();
}

void BeginDialog::check() {
    preflight_->showAsking();
    Q_EMIT checkRequested();
}

/// What was found out holds for other settings.
void BeginDialog::forgetCheck() {
    preflight_->showNothing(check_ == Check::OnAsking);
    if (check_ == Check::AtOnce && isVisible() && evaluation_->isSound()) {
        recheck_.start();
    }
    update();
}

void BeginDialog::update() {
    const bool isSound = evaluation_ == nullptr || evaluation_->isSound();
    start_->setEnabled(preflight_->mayStart() && isSound);
    start_->setToolTip(isSound ? QString() : tr("Choose a text, or a file of questions."));
    fitHeight(*this);
}

} // namespace caldera::studio
