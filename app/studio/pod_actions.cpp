#include "app/studio/pod_actions.h"

#include <QDialog>
#include <QDialogButtonBox>
#include <QPushButton>
#include <QSettings>
#include <QVBoxLayout>
#include <QtConcurrent>

#include <algorithm>

#include "widgets/pods/pod_page.h"
#include "widgets/remote/runpod_provider.h"
#include "widgets/remote/when_done.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr QSize kDialogSize(640, 640);

bool anyRented(const QString& records) {
    const QList<PodRecord> all = loadPodRecords(records);
    return std::any_of(all.begin(), all.end(),
                       [](const PodRecord& record) { return !record.over(); });
}

} // namespace

PodActions::PodActions(const QString& records, const QUrl& api, QWidget& window)
    : QObject(&window), window_(window), records_(records), api_(api), secrets_(this),
      service_(records, {}, this) {}

PodActions::~PodActions() = default;

std::unique_ptr<PodProvider> PodActions::connectWith(const QString& key) const {
    return std::make_unique<RunpodProvider>(key, api_);
}

void PodActions::useKey(const QString& key) {
    if (key.isEmpty() || key == key_)
        return;
    try {
        service_.setProvider(connectWith(key));
        key_ = key;
    } catch (const Error&) {
        // What the keyring holds is no key: the dialog says so when it is opened.
    }
}

void PodActions::findRented() {
    const auto nothing = [](const Error&) {};
    whenDone(
        QtConcurrent::run([records = records_] { return anyRented(records); }), this,
        [this, nothing](bool rented) {
            if (rented)
                whenDone(
                    secrets_.read(QString::fromUtf16(kRunpodKeyName)), this,
                    [this](const QString& key) { useKey(key); }, nothing);
        },
        nothing);
}

void PodActions::showDialog() {
    auto* dialog = new QDialog(&window_);
    dialog->setObjectName(u"podDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Rented pods: RunPod"));
    dialog->resize(kDialogSize);
    auto* page = new PodPage(
        secrets_, [this](const QString& key) { return connectWith(key); }, dialog);
    QSettings settings;
    page->setSettings(readPodSettings(settings));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, dialog);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    buttons->addButton(tr("Keep"), QDialogButtonBox::AcceptRole)->setDefault(true);
    auto* layout = new QVBoxLayout(dialog);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(page, 1);
    layout->addWidget(buttons);
    connect(page, &PodPage::keyAccepted, this, &PodActions::useKey);
    connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    connect(buttons, &QDialogButtonBox::accepted, dialog, [dialog, page] {
        QSettings kept;
        writePodSettings(kept, page->settings());
        dialog->accept();
    });
    dialog->open();
}

} // namespace caldera::studio
