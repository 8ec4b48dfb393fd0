#include "widgets/pods/pod_page.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>
#include <QtConcurrent>

#include <utility>

#include "widgets/pods/dollar_field.h"
#include "widgets/pods/pod_offers_model.h"
#include "widgets/pods/secret_line.h"
#include "widgets/remote/bundle_fields.h"
#include "widgets/remote/pod_quote.h"
#include "widgets/remote/secret_file.h"
#include "widgets/remote/when_done.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/file_line.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kTableHeight = 140;
constexpr double kMostMinutes = 720;

} // namespace

PodPage::PodPage(SecretStore& secrets, Connect connectTo, QWidget* parent)
    : QWidget(parent), secrets_(secrets), connect_(std::move(connectTo)),
      offers_(new PodOffersModel(this)), banner_(new ErrorBanner(this)) {
    setObjectName(u"podPage"_s);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(banner_);
    layout->addWidget(buildSecrets());
    layout->addWidget(buildOffers(), 1);
    layout->addWidget(buildLimits());
    hint_ = new ToneLabel({}, Token::Secondary, this);
    hint_->setWordWrap(true);
    layout->addWidget(hint_);
    connect(this, &PodPage::settingsChanged, this, &PodPage::showHint);
    connect(offers_, &PodOffersModel::chosenChanged, this, &PodPage::settingsChanged);
    setSettings({});
    key_->read();
    token_->read();
}

PodPage::~PodPage() = default;

QWidget* PodPage::buildSecrets() {
    auto* box = new QWidget(this);
    key_ = new SecretLine(secrets_, QString::fromUtf16(kRunpodKeyName),
                          {tr("API key of RunPod"),
                           tr("The key of RunPod is known. Type another one to replace it."),
                           tr("No key yet. RunPod makes one under Settings, API keys; it needs to "
                              "read and write pods.")},
                          box);
    token_ = new SecretLine(secrets_, QString::fromUtf16(kHubTokenName),
                            {tr("Token of Hugging Face (HF_TOKEN)"),
                             tr("The token of Hugging Face is known."),
                             tr("No HF_TOKEN: models that ask for a licence cannot be fetched by "
                                "the pod; all others can.")},
                            box);
    auto* import = new QPushButton(tr("Import .env…"), box);
    import->setToolTip(tr("Takes RUNPOD_API_KEY and HF_TOKEN from a file of NAME=value lines"));
    imported_ = new ToneLabel({}, Token::Secondary, box);
    imported_->setWordWrap(true);
    connect(key_, &SecretLine::known, this, &PodPage::useKey);
    connect(import, &QPushButton::clicked, this, &PodPage::chooseEnvFile);
    for (SecretLine* line : {key_, token_})
        connect(line, &SecretLine::failed, this, &PodPage::fail);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(import);
    line->addWidget(imported_, 1);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(key_);
    layout->addWidget(token_);
    layout->addLayout(line);
    return box;
}

QWidget* PodPage::buildOffers() {
    table_ = new QTableView(this);
    table_->setModel(offers_);
    table_->setAccessibleName(tr("GPUs to rent"));
    table_->setSelectionBehavior(QAbstractItemView::SelectRows);
    table_->setSelectionMode(QAbstractItemView::SingleSelection);
    table_->setShowGrid(false);
    table_->verticalHeader()->hide();
    table_->verticalHeader()->setDefaultSectionSize(kControlHeight);
    table_->setMinimumHeight(kTableHeight);
    QHeaderView* header = table_->horizontalHeader();
    header->setHighlightSections(false);
    header->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    header->setSectionResizeMode(QHeaderView::ResizeToContents);
    header->setSectionResizeMode(PodOffersModel::Gpu, QHeaderView::Stretch);
    return table_;
}

QWidget* PodPage::buildLimits() {
    auto* box = new QWidget(this);
    volume_ = new QComboBox(box);
    volume_->setPlaceholderText(tr("none yet"));
    volume_->setEnabled(false);
    storage_ = new ToneLabel({}, Token::Secondary, box);
    ceiling_ = ceilingField(box);
    cap_ = capField(box);
    idle_ = new QDoubleSpinBox(box);
    idle_->setRange(1, kMostMinutes);
    idle_->setDecimals(0);
    idle_->setSuffix(tr(" min"));
    idle_->setToolTip(tr("A pod on which nothing happens for so long is stopped"));
    idle_->setFixedWidth(kLimitFieldWidth);
    auto* form = new QFormLayout(box);
    form->setContentsMargins(0, 0, 0, 0);
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceSmall);
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    form->addRow(tr("Network volume"), volume_);
    form->addRow(QString(), storage_);
    form->addRow(tr("Price at most"), ceiling_);
    form->addRow(tr("Spending at most"), cap_);
    form->addRow(tr("Stop when idle for"), idle_);
    bundle_ = bundleLine(box);
    bundleUrl_ = bundleUrlLine(box);
    form->addRow(tr("Worker bundle"), bundle_);
    form->addRow(tr("Fetched from"), bundleUrl_);
    connect(volume_, &QComboBox::activated, this, &PodPage::volumeChosen);
    connect(bundle_, &FileLine::changed, this, &PodPage::settingsChanged);
    connect(bundleUrl_, &QLineEdit::textChanged, this, &PodPage::settingsChanged);
    for (QDoubleSpinBox* field : {ceiling_, cap_, idle_})
        connect(field, &QDoubleSpinBox::valueChanged, this, &PodPage::settingsChanged);
    return box;
}

void PodPage::chooseEnvFile() {
    auto* dialog = new QFileDialog(this, tr("A .env file"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFilter(QDir::Files | QDir::Hidden | QDir::AllDirs | QDir::NoDotAndDotDot);
    connect(dialog, &QFileDialog::fileSelected, this, &PodPage::importEnvFile);
    dialog->open();
}

void PodPage::importEnvFile(const QString& path) {
    whenDone(
        QtConcurrent::run([path] { return readEnvFile(path); }), this,
        [this, path](const EnvFile& file) { takeSecrets(file, path); },
        [this](const Error& error) { fail(error); });
}

void PodPage::takeSecrets(const EnvFile& file, const QString& path) {
    banner_->clear();
    QStringList taken;
    for (const auto& [name, line] : {std::pair(QString::fromUtf16(kRunpodKeyName), key_),
                                     std::pair(QString::fromUtf16(kHubTokenName), token_)}) {
        const QString value = file.variables.value(name);
        if (!value.isEmpty()) {
            taken.append(name);
            line->save(value);
        }
    }
    const QString found =
        taken.isEmpty() ? tr("%1 holds neither RUNPOD_API_KEY nor HF_TOKEN.").arg(path)
                        : tr("%1 gave %2.").arg(QFileInfo(path).fileName(), taken.join(u", "_s));
    imported_->setTone(taken.isEmpty() || !file.skipped.isEmpty() ? Token::Warn : Token::Secondary);
    imported_->setText(QStringList{found, skippedSentence(file)}.join(u' ').trimmed());
}

void PodPage::useKey(const QString& key) {
    try {
        provider_ = connect_(key);
    } catch (const Error& error) {
        fail(error);
        return;
    }
    load(key);
}

/// What can be rented, and on which volumes. Only the newest of several questions is answered.
void PodPage::load(const QString& key) {
    const int round = ++round_;
    unanswered_ = 2;
    banner_->clear();
    showHint();
    const auto failed = [this, key, round](const Error& error) {
        if (round != round_)
            return;
        ++round_; // what else is on its way has no place to go
        unanswered_ = 0;
        showHint();
        banner_->showFailure(describeFailure(error), {},
                             {tr("Try again"), [this, key] { useKey(key); }});
    };
    whenDone(
        provider_->volumes(), this,
        [this, key, round](const QList<PodVolume>& volumes) {
            if (round != round_)
                return;
            --unanswered_;
            showVolumes(volumes);
            Q_EMIT keyAccepted(key);
        },
        failed);
    whenDone(
        provider_->offers(1), this,
        [this, round](const QList<PodOffer>& offers) {
            if (round != round_)
                return;
            --unanswered_;
            offers_->setOffers(offers);
        },
        failed);
}

void PodPage::showVolumes(const QList<PodVolume>& volumes) {
    volume_->clear();
    volume_->setEnabled(!volumes.isEmpty());
    for (const PodVolume& volume : volumes) {
        volume_->addItem(
            tr("%1, %2 GB in %3").arg(volume.name).arg(volume.sizeGb).arg(volume.dataCenter),
            volume.id);
        const int row = volume_->count() - 1;
        volume_->setItemData(row, volume.dataCenter, Qt::UserRole + 1);
        volume_->setItemData(row, volume.monthlyPrice, Qt::UserRole + 2);
    }
    const int wanted = volume_->findData(wanted_.volumeId);
    volume_->setCurrentIndex(qMax(0, wanted));
    volumeChosen();
    if (wanted < 0) { // nobody chose it
        shown_.volumeId = wanted_.volumeId;
        shown_.dataCenter = wanted_.dataCenter;
    }
}

void PodPage::volumeChosen() {
    wanted_.volumeId = volume_->currentData().toString();
    wanted_.dataCenter = volume_->currentData(Qt::UserRole + 1).toString();
    offers_->setDataCenter(wanted_.dataCenter);
    if (volume_->count() == 0)
        storage_->setText(tr("The account has no network volume. Make one at RunPod, so that what "
                             "a job has done outlives its pod."));
    else
        storage_->setText(tr("%1 a month, also while no pod runs")
                              .arg(dollarText(volume_->currentData(Qt::UserRole + 2).toDouble())));
    Q_EMIT settingsChanged();
}

PodSettings PodPage::settings() const {
    PodSettings now = wanted_;
    now.gpus = offers_->chosen();
    now.ceiling = ceiling_->value();
    now.cap = cap_->value();
    now.idleMinutes = idle_->value();
    now.bundle = bundle_->path();
    now.bundleUrl = bundleUrl_->text().trimmed();
    return now;
}

void PodPage::setSettings(const PodSettings& settings) {
    wanted_ = settings;
    offers_->setChosen(settings.gpus);
    ceiling_->setValue(settings.ceiling);
    cap_->setValue(settings.cap);
    idle_->setValue(settings.idleMinutes);
    bundle_->setPath(settings.bundle);
    bundleUrl_->setText(settings.bundleUrl);
    volume_->setCurrentIndex(qMax(0, volume_->findData(settings.volumeId)));
    shown_ = this->settings(); // as the fields round it
    showHint();
}

bool PodPage::isChanged() const {
    PodSettings now = settings();
    PodSettings before = shown_;
    for (PodSettings* each : {&now, &before})
        each->gpus.sort(); // their order tells nothing
    return now != before;
}

bool PodPage::hasTypedSecret() const {
    return key_->isTyped() || token_->isTyped();
}

bool PodPage::isComplete() const {
    return provider_ && !offers_->chosen().isEmpty() && !wanted_.volumeId.isEmpty() &&
           offers_->leastPrice() > 0 && offers_->leastPrice() <= ceiling_->value();
}

void PodPage::showHint() {
    const double least = offers_->leastPrice();
    const bool tooDear = least > ceiling_->value();
    hint_->setTone(tooDear ? Token::Warn : Token::Secondary);
    if (unanswered_ > 0)
        hint_->setText(tr("Asking RunPod what can be rented…"));
    else if (offers_->rowCount() == 0)
        hint_->setText(provider_ ? QString()
                                 : tr("GPUs and volumes are listed when the key is known."));
    else if (offers_->chosen().isEmpty())
        hint_->setText(tr("Tick the GPUs that may be rented; the cheapest that is free is taken."));
    else if (tooDear)
        hint_->setText(tr("The cheapest ticked GPU costs %1 an hour, more than the price allowed.")
                           .arg(dollarText(least)));
    else if (least > 0)
        hint_->setText(tr("%1 pays for about %2 hours of the cheapest of them.")
                           .arg(dollarText(cap_->value()))
                           .arg(cap_->value() / least, 0, 'f', 1));
}

void PodPage::fail(const Error& error) {
    banner_->showFailure(describeFailure(error));
}

} // namespace caldera::studio
