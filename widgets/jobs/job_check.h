// What a job would take where it is to run, asked of the program that would do it.
#pragma once

#include <QObject>

#include <stop_token>

#include "core/preflight/preflight.h"
#include "widgets/jobs/job_service.h"

namespace caldera::studio {

/// Runs the request's command with --check here or over SSH; nothing is begun, and nothing stays
/// there but the worker of a target that has a bundle. `worker` is the program of this machine;
/// empty: as JobService finds it. On a cluster the disk is looked at alone, and main memory where
/// the target asks for an amount: the node is not known yet, and its worker checks again. Blocks.
/// Throws Error, Cancelled.
Preflight checkJob(const JobRequest& request, const QString& worker, const std::stop_token& stop);

/// Asks on a thread of the pool; of several questions only the last is answered.
class JobCheck : public QObject {
    Q_OBJECT
public:
    explicit JobCheck(QString worker = {}, QObject* parent = nullptr);
    ~JobCheck() override;

    void ask(const JobRequest& request);
    /// Nobody wants the answer any more.
    void cancel();

Q_SIGNALS:
    void answered(const caldera::Preflight& preflight);
    /// It could not be asked; the sentence says why. `isRefused`: the program there was asked, and
    /// would refuse to begin (no such model), or there is none that could.
    void failed(const QString& sentence, bool isRefused);

private:
    QString worker_;
    std::stop_source stop_;
    int question_ = 0;
};

} // namespace caldera::studio
