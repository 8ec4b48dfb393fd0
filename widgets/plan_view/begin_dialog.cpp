#include "widgets/plan_view/begin_dialog.h"

#include <QDialogButtonBox>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/plan_view/preflight_line.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kWidth = 520;
}

BeginDialog::BeginDialog(const QString& title, const QString& summary, Check check, QWidget* parent)
    : QDialog(parent), check_(check), preflight_(new PreflightLine(this)) {
    setObjectName(u"beginDialog"_s);
    setWindowTitle(title);
    setMinimumWidth(kWidth);
    auto* text = new ToneLabel(summary, Token::Text, this);
    text->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    start_ = buttons->addButton(tr("Start"), QDialogButtonBox::AcceptRole);
    start_->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(text);
    layout->addWidget(preflight_);
    layout->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(preflight_, &PreflightLine::askRequested, this, [this] {
        preflight_->showAsking();
        Q_EMIT checkRequested();
    });
    connect(preflight_, &PreflightLine::changed, this,
            [this] { start_->setEnabled(preflight_->mayStart()); });
    preflight_->showNothing(check == Check::OnAsking);
}

void BeginDialog::showEvent(QShowEvent* event) {
    QDialog::showEvent(event);
    if (check_ == Check::AtOnce) {
        preflight_->showAsking();
        Q_EMIT checkRequested();
    }
}

} // namespace caldera::studio
