#include "widgets/remote/worker_install.h"

#include <QFileInfo>
#include <QProcess>
#include <QRegularExpression>

#include "core/base/version.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/rsync_result.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_bundle.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kLookEvery = 200;                          // ms
constexpr auto kInstallLimit = std::chrono::minutes(60); // gigabytes over a slow line
constexpr int kLacksArchive = 3;                         // exit codes of the script
constexpr int kLacksRoom = 4;
constexpr int kSendings = 2; // one that arrives damaged is mended once

ProcessResult runScript(const HostSetUp& setUp, const QStringList& options) {
    const SentScript script =
        sentScript("install_worker.sh", options + QStringList{sakeOption(setUp.sake)});
    return setUp.session.run(script.command, setUp.stop, script.input, kInstallLimit);
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

/// `there`: the folder that has no room for the bundle.
[[noreturn]] void failForRoom(const HostSetUp& setUp, const QString& archive, const QString& there,
                              const std::string& reason) {
    const qint64 packed = QFileInfo(archive).size(); // 0: the host fetched it
    const std::string size =
        packed > 0 ? " (" + sizeText(packed).toStdString() + " packed, about three times unpacked)"
                   : std::string();
    throw Error("remote.install",
                "The worker bundle" + size + " was not installed in " + there.toStdString() +
                    " there, where " +
                    sizeText(freeDiskBytes(there, setUp.session, setUp.stop)).toStdString() +
                    " are free: " + reason +
                    " Free some space, or choose another folder for this machine.");
}

void sendArchive(const HostSetUp& setUp, const QString& archive, const QString& there,
                 const std::function<void(double)>& tell) {
    ProcessCall call = setUp.session.sendCall(archive, there);
    // What is there in part, or damaged, is mended: size and time do not tell.
    tell(0);
    call.arguments = QStringList{u"--info=progress2"_s, u"--checksum"_s} + call.arguments;
    const auto process = startProcess(call);
    process->closeWriteChannel();
    const int code = awaitProcess(*process, kLookEvery, setUp.stop, [&] {
        const double share = shareIn(process->readAllStandardOutput());
        if (share >= 0) {
            tell(share);
        }
    });
    const std::string words = rsyncReason(process->readAllStandardError(), code).toStdString();
    if (isConnectionCode(code)) {
        throw ConnectionError("The worker bundle could not be sent: " + words);
    }
    if (code != 0) {
        const QString folder = there.section(u'/', 0, -2);
        setUp.session.run("rm -rf "_L1 + shellWord(there) + u' ' +
                              shellWord(folder + "/.partial"_L1),
                          setUp.stop);
        failForRoom(setUp, archive, folder, "it could not be written: " + words + ".");
    }
    tell(1); // whether or not its last word was heard
}

[[noreturn]] void fail(const std::string& reason) {
    throw Error("remote.install",
                "The worker could not be installed there: " + reason +
                    " Choose another bundle, or make one with packaging/make_bundle.sh.");
}

} // namespace

QString installWorker(const HostSetUp& setUp, const WorkerBundle& bundle, const QString& folder,
                      const std::function<void(double)>& tell) {
    const QString there = folder + u'/' + bundle.sha256 + ".tar.gz"_L1;
    const QStringList usual{u"--sha256"_s,  bundle.sha256,
                            u"--version"_s, QString::fromStdString(std::string(programVersion())),
                            u"--to"_s,      folder,
                            u"--archive"_s, there};
    ProcessResult result = runScript(
        setUp, bundle.url.isEmpty() ? usual : usual + QStringList{u"--url"_s, bundle.url});
    const bool canSend = QFileInfo(bundle.archive).isFile();
    for (int sent = 0; canSend && result.exitCode == kLacksArchive && sent < kSendings; ++sent) {
        checkTools(setUp.session, setUp.stop); // rsync is one of them
        setUp.session.require("mkdir -p "_L1 + shellWord(folder), "remote.folder", setUp.stop);
        sendArchive(setUp, bundle.archive, there, tell);
        result = runScript(setUp, usual);
    }
    if (result.exitCode == kLacksRoom) {
        failForRoom(setUp, bundle.archive, folder, words(result));
    }
    const QString program = lastLine(result.out);
    if (result.exitCode != 0 || !program.startsWith(u'/')) {
        fail(words(result));
    }
    setUp.session.run("rm -f "_L1 + shellWord(there), setUp.stop);
    return program;
}

void installBundle(Target& target, const HostSetUp& setUp,
                   const std::function<void(double)>& tell) {
    if (target.bundle.isEmpty()) {
        return;
    }
    const WorkerBundle bundle = readWorkerBundle(target.bundle, target.bundleUrl);
    const QString folder = expandHome(target.folder, setUp.session, setUp.stop);
    target.worker = installWorker(setUp, bundle, folder + "/.workers"_L1, tell);
}

} // namespace caldera::studio
