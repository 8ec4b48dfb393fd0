#include "widgets/pods/pod_dialog.h"

#include <utility>

#include <QDialogButtonBox>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/support/enter_key.h"
#include "widgets/support/unsaved_question.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr QSize kDialogSize(640, 660);
}

PodDialog::PodDialog(SecretStore& secrets, PodPage::Connect connectTo, const PodSettings& settings,
                     QWidget* parent)
    : QDialog(parent), page_(new PodPage(secrets, std::move(connectTo), this)) {
    setObjectName(u"podDialog"_s);
    setWindowTitle(tr("Rented pods: RunPod"));
    resize(kDialogSize);
    page_->setSettings(settings);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    buttons->addButton(tr("Keep"), QDialogButtonBox::YesRole);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(page_, 1);
    layout->addWidget(buttons);
    setEnterButton(*this, nullptr); // Enter saves a key that is typed
    connect(buttons, &QDialogButtonBox::rejected, this, &PodDialog::reject);
    connect(buttons, &QDialogButtonBox::accepted, this,
            [this] { page_->hasTypedSecret() ? askAboutSecret() : keep(); });
}

void PodDialog::keep() {
    Q_EMIT kept(page_->settings());
    accept();
}

void PodDialog::reject() {
    if (page_->hasTypedSecret()) {
        askAboutSecret();
    } else if (page_->isChanged()) {
        askAboutUnsaved(*this, {[this] { keep(); }, [this] { QDialog::reject(); }});
    } else {
        QDialog::reject();
    }
}

/// Whether a secret is accepted is known only after a while, so it is saved in its own line.
void PodDialog::askAboutSecret() {
    askAboutUnsaved(*this, {{},
                            [this] { QDialog::reject(); },
                            tr("A key or token is typed; the button beside it saves it.")});
}

} // namespace caldera::studio
