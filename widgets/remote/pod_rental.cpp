#include "widgets/remote/pod_rental.h"

#include <algorithm>

#include "widgets/remote/when_done.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr double kSecondsPerHour = 3600;
constexpr double kMillisecondsPerMinute = 60'000;

/// Whether the provider said for certain that it made nothing.
bool madeNothing(const Error& error) {
    static const QStringList codes{u"pod.no-capacity"_s, u"pod.too-dear"_s,  u"pod.request"_s,
                                   u"pod.key-refused"_s, u"pod.no-credit"_s, u"pod.not-permitted"_s,
                                   u"pod.tls"_s};
    return codes.contains(QString::fromStdString(error.code()));
}

} // namespace

PodRental::PodRental(PodProvider& provider, PodRecord record, Save save, PodTiming timing,
                     QObject* parent)
    : QObject(parent), provider_(provider), record_(std::move(record)), save_(std::move(save)),
      timing_(timing) {
    next_.setSingleShot(true);
    farewell_.setSingleShot(true);
    connect(&next_, &QTimer::timeout, this, &PodRental::act);
    connect(&farewell_, &QTimer::timeout, this, [this] { enter(PodPhase::Stopping); });
    sinceActivity_.start();
}

void PodRental::begin() {
    enter(PodPhase::Wanted);
}

void PodRental::recover() {
    recovering_ = record_.phase == PodPhase::Wanted;
    act();
}

void PodRental::enter(PodPhase phase) {
    record_.phase = phase;
    const quint64 turn = ++turn_;
    next_.stop();
    farewell_.stop();
    Q_EMIT changed();
    whenDone(
        save_(record_), this,
        [this, turn] {
            if (turn == turn_)
                act();
        },
        [this, turn](const Error& error) {
            if (turn != turn_)
                return;
            if (record_.phase == PodPhase::Wanted) {
                // Nothing is rented that would be forgotten with the next power cut.
                record_.phase = PodPhase::Returned;
                record_.failure = QString::fromUtf8(error.what());
                Q_EMIT changed();
                return;
            }
            problem_ = QString::fromUtf8(error.what());
            act(); // costs end also where the disk is full
        });
}

void PodRental::act() {
    switch (record_.phase) {
    case PodPhase::Wanted:
        recovering_ ? lookFor() : rent();
        break;
    case PodPhase::Starting:
    case PodPhase::Ready:
    case PodPhase::Stopped:
        look();
        break;
    case PodPhase::Stopping:
        requestStop();
        break;
    case PodPhase::Returning:
        requestReturn();
        break;
    case PodPhase::Returned:
        break;
    }
}

void PodRental::rent() {
    asking_ = true;
    whenDone(
        provider_.create(record_.request), this,
        [this](const Pod& pod) {
            asking_ = false;
            adopt(pod);
        },
        [this](const Error& error) {
            asking_ = false;
            takeRefusal(error);
        });
}

/// The pod exists. If it was called off in the meantime it goes back.
void PodRental::adopt(const Pod& pod) {
    problem_.clear();
    record_.podId = pod.id;
    countSpending(pod);
    enter(record_.reason == PodStopReason::None ? PodPhase::Starting : PodPhase::Returning);
}

void PodRental::takeRefusal(const Error& error) {
    if (madeNothing(error)) {
        record_.failure = QString::fromUtf8(error.what());
        enter(PodPhase::Returned);
    } else if (record_.reason != PodStopReason::None) {
        enter(PodPhase::Returning); // which looks for what may have been made
    } else {
        hinder(error);
    }
}

bool PodRental::ofThisJob(const Pod& pod) const {
    return pod.name == record_.request.name && pod.status != PodStatus::Gone;
}

void PodRental::lookFor() {
    whenDone(
        provider_.pods(), this,
        [this](const QList<Pod>& pods) {
            const auto found = std::find_if(pods.begin(), pods.end(),
                                            [this](const Pod& pod) { return ofThisJob(pod); });
            if (found == pods.end())
                enter(PodPhase::Returned);
            else
                adopt(*found);
        },
        [this](const Error& error) { hinder(error); });
}

void PodRental::look() {
    const quint64 turn = turn_;
    whenDone(
        provider_.pod(record_.podId), this,
        [this, turn](const Pod& pod) {
            if (turn == turn_)
                take(pod);
        },
        [this, turn](const Error& error) {
            if (turn != turn_)
                return;
            if (error.code() == "pod.gone") {
                endRun();
                enter(PodPhase::Returned);
            } else {
                hinder(error);
            }
        });
}

void PodRental::take(const Pod& pod) {
    problem_.clear();
    countSpending(pod);
    if (pod.status == PodStatus::Gone) {
        endRun();
        enter(PodPhase::Returned);
        return;
    }
    if (record_.phase == PodPhase::Starting)
        takeStarting(pod);
    else if (record_.phase == PodPhase::Ready)
        takeReady(pod);
    else
        takeEnding(pod);
    Q_EMIT changed();
}

void PodRental::takeStarting(const Pod& pod) {
    if (pod.status == PodStatus::Running && !pod.ssh.host.isEmpty()) {
        noteActivity();
        enter(PodPhase::Ready);
    } else if (pod.status == PodStatus::Stopped || pod.status == PodStatus::Broken) {
        giveUp(tr("The pod ended before it could be reached, most likely because its image %1 does "
                  "not start. It was given back.")
                   .arg(record_.request.image));
    } else if (pod.rentedSeconds > static_cast<double>(timing_.startingPatience.count())) {
        giveUp(tr("The pod could not be reached within %1 minutes and was given back. Start again; "
                  "if it happens twice, choose another GPU or data centre.")
                   .arg(timing_.startingPatience.count() / 60));
    } else {
        again(timing_.startingLook);
    }
}

void PodRental::takeReady(const Pod& pod) {
    if (pod.status == PodStatus::Stopped) {
        // Its watchdog, or somebody at the provider's console, was faster.
        enter(PodPhase::Stopped);
        return;
    }
    if (pod.status == PodStatus::Broken)
        problem_ = tr("The provider reports an error of the pod. What it has finished is on the "
                      "volume; stop the pod and start the job again.");
    if (!pod.ssh.host.isEmpty() && pod.ssh != told_) {
        told_ = pod.ssh;
        Q_EMIT ready(pod.ssh);
    }
    const double secondsToLook =
        static_cast<double>((timing_.readyLook + timing_.farewell).count()) / 1000.0;
    const double untilNextLook = pod_.hourlyPrice * secondsToLook / kSecondsPerHour;
    const double idle = static_cast<double>(sinceActivity_.elapsed()) / kMillisecondsPerMinute;
    if (record_.spent + untilNextLook >= record_.cap)
        stop(PodStopReason::Budget);
    else if (record_.idleMinutes > 0 && idle >= record_.idleMinutes && !isOccupied_)
        stop(PodStopReason::Idle);
    again(timing_.readyLook);
}

void PodRental::setOccupied(bool isOccupied) {
    if (isOccupied_ && !isOccupied)
        noteActivity();
    isOccupied_ = isOccupied;
}

void PodRental::takeEnding(const Pod& pod) {
    if (pod.costs()) {
        // A stopped pod that somebody started again is stopped again.
        if (record_.phase == PodPhase::Stopped)
            enter(PodPhase::Stopping);
        else
            again(timing_.startingLook);
        return;
    }
    if (record_.phase == PodPhase::Stopping)
        enter(PodPhase::Stopped);
    else if (record_.phase == PodPhase::Returning)
        again(timing_.startingLook);
    // A stopped pod needs no looks: it costs nothing and goes nowhere.
}

void PodRental::stop(PodStopReason reason) {
    const PodPhase phase = record_.phase;
    if (phase >= PodPhase::Stopping || farewell_.isActive())
        return;
    if (phase == PodPhase::Wanted) {
        callOff(reason);
        return;
    }
    record_.reason = reason;
    if (phase == PodPhase::Starting) {
        enter(PodPhase::Stopping);
        return;
    }
    Q_EMIT aboutToStop(reason);
    farewell_.start(timing_.farewell);
}

/// A pod that is being made cannot be given back yet: the answer must come first.
void PodRental::callOff(PodStopReason reason) {
    record_.reason = reason;
    if (!asking_) {
        enter(PodPhase::Returning);
        return;
    }
    Q_EMIT changed();
    whenDone(
        save_(record_), this, [] {}, [](const Error&) {});
}

void PodRental::requestStop() {
    const quint64 turn = turn_;
    whenDone(
        provider_.stop(record_.podId), this,
        [this, turn] {
            if (turn == turn_)
                look();
        },
        [this, turn](const Error& error) {
            if (turn == turn_)
                takeStopRefusal(error);
        });
}

void PodRental::takeStopRefusal(const Error& error) {
    if (error.code() == "pod.gone") {
        endRun();
        enter(PodPhase::Returned);
        return;
    }
    // Some pods cannot be stopped, only given back. Their network volume stays, and the job's
    // folder is on it: that is what ends the costs without losing anything.
    const bool onVolume = !pod_.volumeId.isEmpty() && pod_.volumeId == record_.request.volume.id;
    if (error.code() == "pod.conflict" && onVolume)
        enter(PodPhase::Returning);
    else
        hinder(error);
}

void PodRental::markVerified() {
    record_.verified = true;
    whenDone(
        save_(record_), this, [] {},
        [this](const Error& error) {
            problem_ = QString::fromUtf8(error.what());
            Q_EMIT changed();
        });
}

void PodRental::giveBack(Insist insist) {
    const bool empty = record_.phase < PodPhase::Ready && told_.host.isEmpty();
    if (!record_.verified && !empty && insist == Insist::No)
        throw Error("pod.unverified",
                    tr("The pod's artifacts are not all on this machine yet, or their hashes were "
                       "not compared. Fetch them first, or give the pod back all the same: its "
                       "volume keeps them.")
                        .toStdString());
    if (record_.phase == PodPhase::Wanted)
        callOff(PodStopReason::User);
    else if (record_.phase < PodPhase::Returning)
        enter(PodPhase::Returning);
}

void PodRental::requestReturn() {
    const quint64 turn = turn_;
    whenDone(
        provider_.pods(), this,
        [this, turn](const QList<Pod>& pods) {
            if (turn == turn_)
                returnNext(pods);
        },
        [this, turn](const Error& error) {
            if (turn == turn_)
                hinder(error);
        });
}

void PodRental::returnNext(QList<Pod> pods) {
    pods.removeIf([this](const Pod& pod) { return !ofThisJob(pod); });
    if (pods.isEmpty()) {
        endRun();
        enter(PodPhase::Returned);
        return;
    }
    countSpending(pods.first());
    const quint64 turn = turn_;
    whenDone(
        provider_.terminate(pods.first().id), this,
        [this, turn] {
            if (turn == turn_)
                requestReturn(); // until none is listed
        },
        [this, turn](const Error& error) {
            if (turn == turn_)
                hinder(error);
        });
}

void PodRental::giveUp(const QString& sentence) {
    record_.failure = sentence;
    record_.reason = PodStopReason::Failed;
    enter(PodPhase::Returning);
}

/// Something stands in the way that may go by itself.
void PodRental::hinder(const Error& error) {
    problem_ = QString::fromUtf8(error.what());
    Q_EMIT changed();
    again(timing_.afterTrouble);
}

void PodRental::again(std::chrono::milliseconds after) {
    next_.start(after);
}

} // namespace caldera::studio
