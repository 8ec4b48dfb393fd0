// Where a job can run; a value that is saved as YAML (docs/remote.md) without any secret.
#pragma once

#include <QMetaType>
#include <QString>

#include "widgets/remote/ssh_endpoint.h"

namespace caldera::studio {

enum class TargetKind {
    Local, ///< this machine
    Ssh,   ///< a host that runs jobs itself
    Slurm, ///< the login node of a cluster, whose scheduler runs jobs
    Pod    ///< rented for the job; its endpoint is known once it runs
};

/// What a SLURM cluster wants to be told; empty and zero: its own defaults.
struct SlurmSettings {
    QString partition;
    QString account;
    QString timeLimit;    ///< as sbatch takes it, "2-00:00:00"
    QString gpus;         ///< of --gres, "gpu:1"
    int memoryMiB = 0;    ///< for one task
    int cpus = 0;         ///< for one task
    int nodeSshPort = 0;  ///< where the nodes let in; 0: 22
    int shards = 1;       ///< parts into which a compression is split, one task each
    QString extraOptions; ///< further #SBATCH options, one a line

    bool operator==(const SlurmSettings&) const = default;
};

struct Target {
    TargetKind kind = TargetKind::Local;
    QString name;        ///< for people, and of the file; unique
    SshEndpoint ssh;     ///< of Ssh and Slurm; of a Pod filled in while it runs
    QString folder;      ///< for jobs, on the host; absolute, or below the home with "~/"
    QString worker;      ///< the `caldera` program there; empty: `caldera` on its PATH
    QString bundle;      ///< worker bundle of this machine, installed there as the worker; or empty
    QString bundleUrl;   ///< where the host fetches the same file; empty: it is sent from here
    SlurmSettings slurm; ///< of Slurm

    bool operator==(const Target&) const = default;
};

/// The YAML of a target; equal targets give equal bytes.
QByteArray targetToYaml(const Target& target);
/// Throws Error("remote.target") naming `origin`, the place and what was needed, and
/// Error("remote.newer") for a format of a later program.
Target targetFromYaml(const QByteArray& yaml, const QString& origin);

} // namespace caldera::studio

Q_DECLARE_METATYPE(caldera::studio::Target)
