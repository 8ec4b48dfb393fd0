#include "widgets/remote/remote_host.h"

#include "core/base/version.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qint64 kMiB = 1 << 20;
constexpr qint64 kKiB = 1 << 10;

/// The value of "NAME: 123 kB" in /proc/meminfo, in bytes.
qint64 memoryOf(const QByteArray& text, const QByteArray& name) {
    for (const QByteArray& line : text.split('\n')) {
        if (line.startsWith(name)) {
            return line.mid(name.size()).trimmed().split(' ').first().toLongLong() * kKiB;
        }
    }
    return 0;
}

} // namespace

QString expandHome(const QString& path, const SshSession& session, const std::stop_token& stop) {
    if (!path.startsWith("~/"_L1)) {
        return path;
    }
    const QByteArray home = session.require(u"cd && pwd -P"_s, "remote.home", stop);
    return lastLine(home) + path.mid(1);
}

void checkTools(const SshSession& session, const std::stop_token& stop) {
    const QByteArray missing =
        session.require(u"for t in rsync sha256sum xargs find mkdir mv cat; do command -v $t "
                        ">/dev/null 2>&1 || printf '%s ' $t; done"_s,
                        "remote.tools", stop);
    if (!missing.trimmed().isEmpty()) {
        throw Error("remote.tools",
                    "The host lacks " + missing.trimmed().toStdString() +
                        ". Install it there (Debian: apt install rsync coreutils findutils).",
                    {{"missing", missing.trimmed().toStdString()}});
    }
}

QString workerCommand(const Target& target, const SshSession& session,
                      const std::stop_token& stop) {
    return target.worker.isEmpty() ? u"caldera"_s
                                   : shellWord(expandHome(target.worker, session, stop));
}

WorkerFacts checkWorker(const QString& workerCommand, const SshSession& session,
                        const std::stop_token& stop) {
    const ProcessResult result =
        session.run(workerCommand + " --version"_L1, stop, {}, std::chrono::minutes(2));
    const QString first = QString::fromUtf8(result.out).section(u'\n', 0, 0).trimmed();
    if (result.exitCode != 0 || !first.startsWith("caldera "_L1)) {
        throw Error("remote.worker",
                    "The worker " + workerCommand.toStdString() +
                        " does not run there: " + lastLine(result.err).toStdString() +
                        ". Install caldera on the host, or name its place in the target.",
                    {{"worker", workerCommand.toStdString()}});
    }
    const QString version = first.mid(8);
    if (version.toStdString() != programVersion()) {
        throw Error("remote.version",
                    "The worker there is caldera " + version.toStdString() +
                        ", and this program is " + std::string(programVersion()) +
                        ". Install the same version on the host.",
                    {{"came", version.toStdString()}});
    }
    return {version, result.out.contains("CUDA device: yes")};
}

qint64 freeDiskBytes(const QString& folder, const SshSession& session,
                     const std::stop_token& stop) {
    const QString quoted = shellWord(folder);
    const QByteArray disk = session.require("mkdir -p "_L1 + quoted + " && test -w "_L1 + quoted +
                                                " && df -Pk "_L1 + quoted + " | tail -n 1"_L1,
                                            "remote.folder", stop);
    return disk.simplified().split(' ').value(3).toLongLong() * kKiB;
}

HostFacts readHostFacts(const QString& folder, const SshSession& session,
                        const std::stop_token& stop) {
    HostFacts facts;
    facts.freeDiskBytes = freeDiskBytes(folder, session, stop);
    const QByteArray memory = session.require(u"nproc; cat /proc/meminfo"_s, "remote.facts", stop);
    facts.cores = memory.left(memory.indexOf('\n')).toInt();
    facts.memoryBytes = memoryOf(memory, "MemTotal:");
    facts.freeMemoryBytes = memoryOf(memory, "MemAvailable:");
    const ProcessResult gpus = session.run(
        u"command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi --query-gpu=name,driver_version,"
        "memory.total,memory.free --format=csv,noheader,nounits"_s,
        stop);
    facts.gpus = gpus.exitCode == 0 ? parseGpus(gpus.out) : QList<GpuFacts>();
    return facts;
}

QList<GpuFacts> parseGpus(const QByteArray& text) {
    QList<GpuFacts> gpus;
    for (const QByteArray& line : text.split('\n')) {
        const QStringList parts = QString::fromUtf8(line).split(u',');
        bool isNumber = false;
        const qint64 total = parts.value(2).trimmed().toLongLong(&isNumber);
        if (parts.size() == 4 && isNumber) {
            gpus.append({parts[0].trimmed(), parts[1].trimmed(), total * kMiB,
                         parts[3].trimmed().toLongLong() * kMiB});
        }
    }
    return gpus;
}

} // namespace caldera::studio
