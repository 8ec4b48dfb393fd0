// How a worker is started and steered on a host: by itself, or by its scheduler.
#pragma once

#include <stop_token>

#include <QString>
#include <QStringList>

#include "widgets/remote/target.h"

namespace caldera::studio {

class SshSession;

/// A job's folder on a host that we are logged in to.
struct RemotePlace {
    const SshSession& session;
    const Target& target;
    QString folder; ///< absolute
    QString worker; ///< command, quoted for a shell
};

/// The arguments of a worker on a machine with a GPU: commands that compute on processors unless
/// they are told otherwise are told so.
QStringList onGpu(QStringList arguments);

/// Starts the job's worker with these arguments unless one is at work. Without `again` only a job
/// that was never started is, so a launch whose answer was lost is repeated without harm. Throws
/// ConnectionError, Error("remote.start") with the worker's own last words.
void launchRemotely(const RemotePlace& place, const QStringList& arguments, bool again,
                    const std::stop_token& stop);

/// Whether the job's folder there says that it is done.
bool isDoneThere(const RemotePlace& place, const std::stop_token& stop);

/// `word`: "cancel", "pause" or "continue".
void steerRemotely(const RemotePlace& place, const QString& word, const std::stop_token& stop);

} // namespace caldera::studio
