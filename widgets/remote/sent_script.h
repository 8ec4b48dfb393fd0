// Scripts of ours that run on hosts where nothing of ours is yet.
#pragma once

#include <stop_token>

#include <QByteArray>
#include <QString>
#include <QStringList>

#include "core/base/error.h"
#include "core/job/job_folder.h"

namespace caldera::studio {

class SshSession;

/// What is done to a host before a worker can work there.
struct HostSetUp {
    const SshSession& session;
    QString sake; ///< a name that only whoever it is done for has: its processes are found by it
    std::stop_token stop;
};

/// A command that takes the script from its standard input, and what is to be written there.
struct SentScript {
    QString command;
    QByteArray input;
};

/// `name`: of a file in resources/worker. `rest`: what the script itself finds on its standard
/// input, which is where secrets belong.
SentScript sentScript(const char* name, const QStringList& options, const QByteArray& rest = {});
/// The option by which the script is found again.
QString sakeOption(const QString& sake);
/// Ends the scripts that still run there for this sake, those of earlier connections too. They go
/// on by themselves otherwise. Where the connection is gone it does nothing.
void endScripts(const SshSession& session, const QString& sake);

/// For what nobody goes on with later: does `work(setUp)` for a sake of its own, and ends its
/// scripts when it is called off.
template <class Work>
auto endingScripts(const SshSession& session, const std::stop_token& stop, const Work& work) {
    const HostSetUp setUp{session, QString::fromStdString(newJobId()), stop};
    try {
        return work(setUp);
    } catch (const Cancelled&) {
        endScripts(setUp.session, setUp.sake);
        throw;
    }
}

} // namespace caldera::studio
