// One rented pod from the wish to its return: a state machine that survives the studio.
#pragma once

#include <chrono>
#include <functional>

#include <QElapsedTimer>
#include <QFuture>
#include <QObject>
#include <QTimer>

#include "core/base/error.h"
#include "widgets/remote/pod_provider.h"
#include "widgets/remote/pod_record.h"

namespace caldera::studio {

struct PodTiming {
    std::chrono::milliseconds startingLook{5'000};  ///< between looks while it starts or ends
    std::chrono::milliseconds readyLook{15'000};    ///< between looks while it works
    std::chrono::milliseconds afterTrouble{30'000}; ///< until a failed look is repeated
    std::chrono::milliseconds farewell{20'000};     ///< for the job, before it is stopped
    std::chrono::seconds startingPatience{900};     ///< by the provider's clock
};

/// Drives a pod through the phases of its record. Each phase is saved before it is acted on, so a
/// studio that ends anywhere finds the pod again: construct with the saved record and call
/// recover(). Nothing is given back before its artifacts are verified, unless it never could be
/// reached or the user insists; nothing goes on costing beyond the cap.
class PodRental : public QObject {
    Q_OBJECT
public:
    /// Makes a record durable; later calls take effect after earlier ones.
    using Save = std::function<QFuture<void>(const PodRecord&)>;

    /// `provider` must outlive the rental.
    PodRental(PodProvider& provider, PodRecord record, Save save, PodTiming timing = {},
              QObject* parent = nullptr);

    /// Rents. The job must have passed checkPodJob().
    void begin();
    /// Goes on after a restart. A pod that was wanted and never made is not made now.
    void recover();
    /// Ends the costs and keeps the files.
    void stop(PodStopReason reason);
    /// All artifacts are home and their hashes compared.
    void markVerified();
    enum class Insist { No, Yes };
    /// Returns the pod. Throws Error("pod.unverified") when that could lose artifacts.
    void giveBack(Insist insist = Insist::No);
    /// A pod of this name is there although everything was returned: it goes back too.
    void returnAgain() { enter(PodPhase::Returning); }
    /// The job did something, or somebody looked at it: it is not idle.
    void noteActivity() { sinceActivity_.restart(); }
    /// Something is done to it that shows no progress and ends by itself: it is not idle meanwhile.
    void setOccupied(bool isOccupied);

    const PodRecord& record() const { return record_; }
    /// As the provider last showed it.
    const Pod& pod() const { return pod_; }
    /// What hinders it at the moment; empty when nothing does.
    const QString& problem() const { return problem_; }
    /// US dollars an hour that it costs now, its volume not counted.
    double hourlyPrice() const { return pod_.costs() && !record_.over() ? pod_.hourlyPrice : 0; }

Q_SIGNALS:
    /// Phase, spending or problem changed.
    void changed();
    /// It can be reached; also after a restart, and again when its address changes.
    void ready(const caldera::studio::SshEndpoint& endpoint);
    /// The job should stop at its next step; soon the machine will.
    void aboutToStop(caldera::studio::PodStopReason reason);

private:
    void enter(PodPhase phase);
    void act();
    void rent();
    void takeRefusal(const Error& error);
    void lookFor();
    void look();
    void take(const Pod& pod);
    void adopt(const Pod& pod);
    void callOff(PodStopReason reason);
    void takeStarting(const Pod& pod);
    void takeReady(const Pod& pod);
    void takeEnding(const Pod& pod);
    void requestStop();
    void takeStopRefusal(const Error& error);
    void requestReturn();
    void returnNext(QList<Pod> pods);
    void countSpending(const Pod& pod);
    void countUnseen();
    void endRun();
    void giveUp(const QString& sentence);
    void hinder(const Error& error);
    void again(std::chrono::milliseconds after);
    bool ofThisJob(const Pod& pod) const;

    PodProvider& provider_;
    PodRecord record_;
    Save save_;
    PodTiming timing_;
    Pod pod_;
    QString problem_;
    SshEndpoint told_; ///< the endpoint of the last ready()
    QTimer next_;
    QTimer farewell_;
    QElapsedTimer sinceActivity_;
    bool isOccupied_ = false;
    bool asking_ = false;     ///< for a pod; the answer decides what is rented
    bool recovering_ = false; ///< in Wanted: look for the pod, make none
    quint64 turn_ = 0;        ///< answers to earlier phases are no answers
};

} // namespace caldera::studio
