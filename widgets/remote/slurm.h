// Jobs that the scheduler of a SLURM cluster starts. Their state comes from our own files, so
// accounting (sacct) is not needed.
#pragma once

#include <optional>

#include <QByteArray>
#include <QStringList>

#include "widgets/remote/remote_launch.h"

namespace caldera::studio {

/// Layers from `first` up to and without `end`, of one part.
struct LayerRange {
    int first = 0;
    int end = 0;
    bool operator==(const LayerRange&) const = default;
};

/// `layers` in `parts` pieces as equal as can be; fewer when there are not so many layers.
QList<LayerRange> splitLayers(int layers, int parts);

/// The script that runs `arguments` of the worker as the job of `place`.
QByteArray slurmScript(const RemotePlace& place, const QStringList& arguments);
/// The script of an array, one task a part of a compression with these arguments.
QByteArray slurmArrayScript(const RemotePlace& place, const QStringList& arguments,
                            const QList<LayerRange>& parts);

/// Submits the job, in parts where the target wants that, unless it was submitted; with `again`
/// also one that is over, unless the scheduler still has it. Throws as launchRemotely().
void submitToSlurm(const RemotePlace& place, const QStringList& arguments, bool again,
                   const std::stop_token& stop);

/// After the plan of a compression in parts was changed: parts that are over may have to be made
/// again, so everything is taken out of the queue and submitted anew; finished cells stay. A job
/// of one task takes the plan up by itself.
void resubmitParts(const RemotePlace& place, const QStringList& arguments,
                   const std::stop_token& stop);

/// Also takes tasks that did not begin out of the queue on "cancel".
void steerSlurm(const RemotePlace& place, const QString& word, const std::stop_token& stop);

/// Takes whatever of an ended job is still in the queue out of it, earlier submissions included: a
/// controller that was killed may bring a cancelled task back.
void clearFromSlurm(const RemotePlace& place, const std::stop_token& stop);

/// Whether any of a queue's tasks, "STATE REASON" a line, runs or will run: not one that the
/// scheduler holds since its launch failed (a node or the controller died), until somebody releases
/// it; nor what depends on such a one.
bool queueGoesOn(const QByteArray& queue);

/// Why such a queue's tasks wait, in the scheduler's words; empty where one runs or nothing is
/// said.
QString queueReason(const QByteArray& queue);

/// The job's tasks in the scheduler's queue, "STATE REASON" a line; nullopt when it does not
/// answer.
std::optional<QByteArray> slurmQueue(const RemotePlace& place, const std::stop_token& stop);

/// Whether the scheduler has the job at work or in its queue, and not held for ever; true also when
/// it does not answer.
bool slurmHasJob(const RemotePlace& place, const std::stop_token& stop);

} // namespace caldera::studio
