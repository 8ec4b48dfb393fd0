#include "widgets/remote/worker_install.h"

#include <QFileInfo>
#include <QProcess>
#include <QRegularExpression>

#include "core/base/version.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/sent_script.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_bundle.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kLookEvery = 200;                          // ms
constexpr auto kInstallLimit = std::chrono::minutes(60); // gigabytes over a slow line

ProcessResult runScript(const SshSession& session, const QStringList& options,
                        const std::stop_token& stop) {
    const SentScript script = sentScript("install_worker.sh", options);
    return session.run(script.command, stop, script.input, kInstallLimit);
}

/// What the script said last, without its own name.
std::string words(const ProcessResult& result) {
    QString text = lastLine(result.err.isEmpty() ? result.out : result.err);
    if (text.startsWith("install_worker: "_L1)) {
        text.remove(0, 16);
    }
    return text.toStdString();
}

/// The share that rsync's last line of progress names ("  1,234  56%  7.8MB/s"); negative: none.
double shareIn(const QByteArray& progress) {
    static const QRegularExpression percent(u"(\\d+)%"_s);
    auto matches = percent.globalMatch(QString::fromLatin1(progress));
    double share = -1;
    while (matches.hasNext()) {
        share = matches.next().captured(1).toDouble() / 100;
    }
    return share;
}

void sendArchive(const SshSession& session, const QString& archive, const QString& there,
                 const std::function<void(double)>& tell, const std::stop_token& stop) {
    ProcessCall call = session.sendCall(archive, there);
    call.arguments.prepend(u"--info=progress2"_s);
    const auto process = startProcess(call);
    process->closeWriteChannel();
    awaitProcess(*process, kLookEvery, stop, [&] {
        const double share = shareIn(process->readAllStandardOutput());
        if (share >= 0) {
            tell(share);
        }
    });
    if (process->exitStatus() != QProcess::NormalExit || process->exitCode() != 0) {
        throw ConnectionError("The worker bundle could not be sent: " +
                              lastLine(process->readAllStandardError()).toStdString());
    }
}

[[noreturn]] void fail(const std::string& reason) {
    throw Error("remote.install",
                "The worker could not be installed there: " + reason +
                    " Choose another bundle, or make one with packaging/make_bundle.sh.");
}

} // namespace

QString installWorker(const SshSession& session, const WorkerBundle& bundle, const QString& folder,
                      const std::function<void(double)>& tell, const std::stop_token& stop) {
    const QStringList usual{u"--sha256"_s,  bundle.sha256,
                            u"--version"_s, QString::fromStdString(std::string(programVersion())),
                            u"--to"_s,      folder};
    // One that is installed already needs neither way; the script asks for one all the same.
    const QString there = folder + u'/' + bundle.sha256 + ".tar.gz"_L1;
    const bool canFetch = !bundle.url.isEmpty();
    ProcessResult result = runScript(session,
                                     usual + (canFetch ? QStringList{u"--url"_s, bundle.url}
                                                       : QStringList{u"--archive"_s, there}),
                                     stop);
    if (result.exitCode != 0 && QFileInfo(bundle.archive).isFile()) {
        session.require("mkdir -p "_L1 + shellWord(folder), "remote.folder", stop);
        sendArchive(session, bundle.archive, there, tell, stop);
        result = runScript(session, usual + QStringList{u"--archive"_s, there}, stop);
        session.run("rm -f "_L1 + shellWord(there), stop);
    }
    const QString program = lastLine(result.out);
    if (result.exitCode != 0 || !program.startsWith(u'/')) {
        fail(words(result));
    }
    return program;
}

void installBundle(Target& target, const SshSession& session,
                   const std::function<void(double)>& tell, const std::stop_token& stop) {
    if (target.bundle.isEmpty()) {
        return;
    }
    const WorkerBundle bundle = readWorkerBundle(target.bundle, target.bundleUrl);
    target.worker = installWorker(
        session, bundle, expandHome(target.folder, session, stop) + "/.workers"_L1, tell, stop);
}

} // namespace caldera::studio
