// All pods of this machine: found again after a restart, saved before they change, none forgotten.
#pragma once

#include <memory>
#include <vector>

#include <QObject>
#include <QThreadPool>

#include "widgets/remote/pod_rental.h"

namespace caldera::studio {

/// Owns the rentals and their records. Lives on the GUI thread; files are written on a thread of
/// its own, one after the other. Without a provider (no key yet) rentals wait.
class PodService : public QObject {
    Q_OBJECT
public:
    /// `folder`: of the records, made when it is first needed.
    explicit PodService(QString folder, PodTiming timing = {}, QObject* parent = nullptr);
    /// Waits for the records that are being written. Pods stay as they are.
    ~PodService() override;

    /// From now on this provider is asked, for pods from before too. Reads the records first.
    void setProvider(std::unique_ptr<PodProvider> provider);
    PodProvider* provider() const { return provider_.get(); }

    /// Rents a pod for the record's job. Throws Error("pod.provider") without a provider.
    PodRental* rent(PodRecord record);
    /// The rental of a job; null when nothing was ever rented for it here.
    PodRental* rental(const QString& jobId) const;
    /// Newest last; also those that are over.
    QList<PodRental*> rentals() const;
    /// Pods that bear our name and were not rented from this machine.
    const QList<Pod>& strangers() const { return strangers_; }
    /// US dollars an hour of everything that runs, strangers included.
    double hourlyPrice() const;
    /// Stops every pod that was rented from here.
    void stopAll();
    /// Asks the provider for what there is; also done after each setProvider().
    void refresh();

Q_SIGNALS:
    void changed();
    void rentalAdded(caldera::studio::PodRental* rental);
    /// The list of pods could not be had.
    void problem(const QString& sentence);

private:
    void load(const QList<PodRecord>& records);
    PodRental* add(PodRecord record);
    void takeAll(const QList<Pod>& pods);
    QFuture<void> save(const PodRecord& record);

    QString folder_;
    PodTiming timing_;
    QThreadPool writer_;
    std::unique_ptr<PodProvider> provider_; ///< outlives the rentals
    std::vector<std::unique_ptr<PodRental>> rentals_;
    QList<Pod> strangers_;
};

} // namespace caldera::studio
