#include "widgets/remote/pod_service.h"

#include <QtConcurrent>

#include "core/base/error.h"
#include "widgets/remote/when_done.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

PodService::PodService(QString folder, PodTiming timing, QObject* parent)
    : QObject(parent), folder_(std::move(folder)), timing_(timing) {
    writer_.setMaxThreadCount(1); // records are written in the order of their phases
}

PodService::~PodService() {
    rentals_.clear();
    writer_.waitForDone();
}

void PodService::setProvider(std::unique_ptr<PodProvider> provider) {
    rentals_.clear(); // they go on from their records
    provider_ = std::move(provider);
    whenDone(
        QtConcurrent::run(&writer_, [folder = folder_] { return loadPodRecords(folder); }), this,
        [this](const QList<PodRecord>& records) { load(records); },
        [this](const Error& error) { Q_EMIT problem(QString::fromUtf8(error.what())); });
}

void PodService::load(const QList<PodRecord>& records) {
    if (!provider_)
        return;
    for (const PodRecord& record : records) {
        if (!rental(record.jobId))
            add(record)->recover();
    }
    refresh();
}

PodRental* PodService::add(PodRecord record) {
    rentals_.push_back(std::make_unique<PodRental>(
        *provider_, std::move(record),
        [this](const PodRecord& changedRecord) { return save(changedRecord); }, timing_));
    PodRental* rental = rentals_.back().get();
    connect(rental, &PodRental::changed, this, &PodService::changed);
    Q_EMIT rentalAdded(rental);
    return rental;
}

QFuture<void> PodService::save(const PodRecord& record) {
    return QtConcurrent::run(&writer_,
                             [folder = folder_, record] { savePodRecord(folder, record); });
}

PodRental* PodService::rent(PodRecord record) {
    if (!provider_)
        throw Error(
            "pod.provider",
            tr("Nothing can be rented without an API key. Enter it in Remotes.").toStdString());
    if (PodRental* known = rental(record.jobId)) {
        if (!known->record().over())
            return known;
        std::erase_if(rentals_, [known](const auto& each) { return each.get() == known; });
    }
    PodRental* rental = add(std::move(record));
    rental->begin();
    return rental;
}

PodRental* PodService::rental(const QString& jobId) const {
    for (const auto& rental : rentals_) {
        if (rental->record().jobId == jobId)
            return rental.get();
    }
    return nullptr;
}

QList<PodRental*> PodService::rentals() const {
    QList<PodRental*> all;
    for (const auto& rental : rentals_)
        all.append(rental.get());
    return all;
}

double PodService::hourlyPrice() const {
    double sum = 0;
    for (const auto& rental : rentals_)
        sum += rental->hourlyPrice();
    for (const Pod& pod : strangers_)
        sum += pod.costs() ? pod.hourlyPrice : 0;
    return sum;
}

void PodService::stopAll() {
    for (const auto& rental : rentals_)
        rental->stop(PodStopReason::User);
}

void PodService::refresh() {
    if (!provider_)
        return;
    whenDone(
        provider_->pods(), this, [this](const QList<Pod>& pods) { takeAll(pods); },
        [this](const Error& error) { Q_EMIT problem(QString::fromUtf8(error.what())); });
}

void PodService::takeAll(const QList<Pod>& pods) {
    strangers_.clear();
    for (const Pod& pod : pods) {
        const QString job = jobOfPod(pod.name);
        if (job.isEmpty() || pod.status == PodStatus::Gone)
            continue;
        PodRental* ours = rental(job);
        if (!ours)
            strangers_.append(pod);
        else if (ours->record().over())
            ours->returnAgain(); // it came about after everybody had stopped waiting for it
    }
    Q_EMIT changed();
}

} // namespace caldera::studio
