// What a host has: tools, worker, processors, memory, GPUs, disk; asked over a session.
#pragma once

#include <stop_token>

#include <QList>
#include <QString>

#include "widgets/remote/target.h"

namespace caldera::studio {

class SshSession;

struct GpuFacts {
    QString name;
    QString driver;
    qint64 totalBytes = 0;
    qint64 freeBytes = 0;
};

struct HostFacts {
    int cores = 0;
    qint64 memoryBytes = 0;
    qint64 freeMemoryBytes = 0; ///< what a new program can have
    qint64 freeDiskBytes = 0;   ///< where the jobs are
    QList<GpuFacts> gpus;
};

/// "~/" at the beginning becomes the home folder there. Throws as SshSession::run.
QString expandHome(const QString& path, const SshSession& session, const std::stop_token& stop);

/// Throws Error("remote.tools") naming what is missing.
void checkTools(const SshSession& session, const std::stop_token& stop);

/// The command of the target's worker, quoted for a shell.
QString workerCommand(const Target& target, const SshSession& session, const std::stop_token& stop);

struct WorkerFacts {
    QString version;
    bool hasGpu = false; ///< it was built for GPUs and finds one
};

/// Throws Error("remote.worker") when there is none, Error("remote.version") when it is another
/// version than this program.
WorkerFacts checkWorker(const QString& workerCommand, const SshSession& session,
                        const std::stop_token& stop);

/// What a folder there has room for; it is created when missing. Throws Error("remote.folder") when
/// that fails.
qint64 freeDiskBytes(const QString& folder, const SshSession& session, const std::stop_token& stop);

/// `folder` is created when missing. Throws Error("remote.folder") when that fails.
HostFacts readHostFacts(const QString& folder, const SshSession& session,
                        const std::stop_token& stop);

/// Reads what nvidia-smi prints with --format=csv,noheader,nounits for name, driver_version,
/// memory.total and memory.free; lines that are none are left out.
QList<GpuFacts> parseGpus(const QByteArray& text);

} // namespace caldera::studio
