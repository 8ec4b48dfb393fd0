#include "app/studio/pod_actions.h"

#include <QApplication>
#include <QPointer>
#include <QSettings>
#include <QtConcurrent>

#include <algorithm>

#include "widgets/pods/pod_choice.h"
#include "widgets/pods/pod_dialog.h"
#include "widgets/remote/when_done.h"
#include "widgets/remote/worker_bundle.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// What was rented, and where workers come from; read from files.
struct Known {
    QList<PodRecord> records;
    WorkerBundle bundle;
};

Known readKnown(const QString& records, const PodSettings& settings) {
    Known known{loadPodRecords(records), {}};
    try {
        known.bundle = readWorkerBundle(settings.bundle, settings.bundleUrl);
    } catch (const Error&) {
        // A pod that is reached tells that it lacks a worker; without any pod nobody minds.
    }
    return known;
}

PodSettings keptSettings() {
    QSettings settings;
    return readPodSettings(settings);
}

} // namespace

PodActions::PodActions(const QString& records, const PodMarket& market, JobService& jobs,
                       QWidget& window)
    : QObject(&window), window_(window), records_(records), api_(market.api), secrets_(this),
      service_(records, market.timing, this), desk_(jobs.pods()),
      jobs_(new PodJobs(
          jobs, service_, records + u"/keys"_s,
          [this](const std::function<void()>& then, const Failed& failed) {
              withProvider(then, failed);
          },
          [this](const PodRecord& record) { return renewed(record); }, this)) {
    connect(&service_, &PodService::problem, this, &PodActions::trouble);
    connect(&secrets_, &SecretStore::changed, this, [this](const QString& name) {
        if (name == QString::fromUtf16(kHubTokenName))
            readHubToken([] {});
    });
}

PodActions::~PodActions() {
    delete jobs_; // before the service whose rentals it hears
}

std::unique_ptr<PodProvider> PodActions::connectWith(const QString& key) const {
    return std::make_unique<RunpodProvider>(key, api_);
}

void PodActions::useKey(const QString& key) {
    if (key.isEmpty() || key == key_)
        return;
    try {
        auto provider = connectWith(key);
        PodWatch watch;
        watch.api = api_.toString();
        watch.key = key.toUtf8();
        jobs_->setWatch(watch);
        service_.setProvider(std::move(provider));
        key_ = key;
    } catch (const Error&) {
        // What the keyring holds is no key: the dialog says so when it is opened.
    }
}

void PodActions::findRented() {
    whenDone(
        QtConcurrent::run(readKnown, records_, keptSettings()), this,
        [this](const Known& known) {
            jobs_->setBundle(known.bundle);
            jobs_->takeRecords(known.records);
            const bool isAnyRented =
                std::any_of(known.records.begin(), known.records.end(),
                            [](const PodRecord& record) { return !record.over(); });
            if (isAnyRented)
                withKey([] {}, [this](const Error& error) { tellUnseen(error); });
        },
        [this](const Error& error) { tellUnseen(error); });
}

void PodActions::tellUnseen(const Error& error) {
    Q_EMIT trouble(tr("A pod may be rented and cost money, and the studio cannot look: %1")
                       .arg(QString::fromUtf8(error.what())));
}

void PodActions::withKey(const std::function<void()>& then, const Failed& failed) {
    if (service_.provider()) {
        then();
        return;
    }
    whenDone(
        secrets_.read(QString::fromUtf16(kRunpodKeyName)), this,
        [this, then, failed](const QString& key) {
            readHubToken([this, key, then, failed] {
                useKey(key);
                if (service_.provider())
                    then();
                else
                    failed(Error("pod.provider", tr("Nothing can be rented without an API key of "
                                                    "RunPod. Enter it under Run, Rented pods…")
                                                     .toStdString()));
            });
        },
        failed);
}

void PodActions::readHubToken(const std::function<void()>& then) {
    whenDone(
        secrets_.read(QString::fromUtf16(kHubTokenName)), this,
        [this, then](const QString& token) {
            HubAccess hub;
            hub.token = token.toUtf8();
            desk_.setHub(hub);
            then();
        },
        [then](const Error&) { then(); }); // models without a licence need none
}

void PodActions::withProvider(const std::function<void()>& then, const Failed& failed) {
    const PodSettings settings = keptSettings();
    whenDone(
        QtConcurrent::run(readWorkerBundle, settings.bundle, settings.bundleUrl), this,
        [this, then, failed](const WorkerBundle& bundle) {
            jobs_->setBundle(bundle);
            withKey(then, failed);
        },
        failed);
}

PodRecord PodActions::renewed(PodRecord record) const {
    const PodSettings now = keptSettings();
    if (now.dataCenter == record.request.volume.dataCenter && !now.gpus.isEmpty())
        record.request.gpus = now.gpus; // the volume stays: the job's files are on it
    record.request.ceiling = now.ceiling;
    record.cap = now.cap;
    record.idleMinutes = now.idleMinutes;
    return record;
}

bool PodActions::isSetUp() const {
    const PodSettings settings = keptSettings();
    return !settings.gpus.isEmpty() && !settings.volumeId.isEmpty();
}

PodChoice* PodActions::makeChoice(const PodWork& work, const QString& kind, double seconds,
                                  QWidget* parent) {
    auto* choice = new PodChoice(work, parent);
    choice->setDocumented(seconds);
    whenDone(
        QtConcurrent::run([kind] { return SpeedLog::ofThisMachine().ratios(kind.toStdString()); }),
        choice,
        [choice](const std::map<std::string, SpeedRatio>& measured) {
            choice->setTimes({choice->documented(), measured});
        },
        [](const Error&) {});
    connect(choice, &PodChoice::settingsRequested, this, &PodActions::showDialog);
    connect(this, &PodActions::settingsChanged, choice, [this, choice] { fill(*choice); });
    fill(*choice);
    return choice;
}

void PodActions::fill(PodChoice& choice) {
    choice.setSettings(keptSettings());
    const QPointer<PodChoice> shown(&choice);
    const auto failed = [shown](const Error& error) {
        if (shown)
            shown->showProblem(QString::fromUtf8(error.what()));
    };
    withKey(
        [this, shown, failed] {
            whenDone(
                service_.provider()->volumes(), this,
                [this, shown, failed](const QList<PodVolume>& volumes) {
                    whenDone(
                        service_.provider()->offers(1), this,
                        [shown, volumes](const QList<PodOffer>& offers) {
                            if (shown)
                                shown->setMarket(offers, volumes);
                        },
                        failed);
                },
                failed);
        },
        failed);
}

void PodActions::showDialog() {
    QWidget* above = QApplication::activeModalWidget();
    auto* dialog = new PodDialog(
        secrets_, [this](const QString& key) { return connectWith(key); }, keptSettings(),
        above != nullptr ? above : &window_);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog->page(), &PodPage::keyAccepted, this, &PodActions::useKey);
    connect(dialog, &PodDialog::kept, this, [this](const PodSettings& kept) {
        QSettings settings;
        writePodSettings(settings, kept);
        Q_EMIT settingsChanged();
    });
    dialog->open();
}

} // namespace caldera::studio
