// A real SLURM of one node on this machine for tests: munged, slurmctld, slurmd.
#pragma once

#include <memory>
#include <vector>

#include <QProcess>
#include <QString>
#include <QTemporaryDir>

namespace caldera::studio {

/// Skips nothing: where a program is missing, or this is not root, the test fails and says so.
class LocalSlurm {
public:
    LocalSlurm();
    ~LocalSlurm();
    LocalSlurm(const LocalSlurm&) = delete;
    LocalSlurm& operator=(const LocalSlurm&) = delete;

    /// What its programs need in their environment.
    QString config() const { return folder_.filePath(QStringLiteral("slurm.conf")); }
    /// Runs sbatch, squeue, scontrol ... and returns what it printed.
    QByteArray run(const QString& program, const QStringList& arguments) const;
    /// Kills slurmctld or slurmd and starts it again after `pause` ms. What runs on the node goes
    /// on.
    void restart(const QString& daemon, int pause);

private:
    void writeConfig() const;
    void start(const QString& program, const QStringList& arguments);

    QTemporaryDir folder_;
    std::vector<std::unique_ptr<QProcess>> daemons_;
};

} // namespace caldera::studio
