#include "widgets/remote/target_check.h"

#include <QCoreApplication>
#include <QElapsedTimer>

#include "widgets/remote/host_key.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_install.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("TargetCheck", text);
}

/// Runs the stages one after the other; the first that fails skips the rest.
class Run {
public:
    Run(Target target, const TargetCheck& with, const std::stop_token& stop)
        : with_(with), stop_(stop) {
        result_.target = std::move(target);
        result_.passed = true;
    }

    TargetCheckResult all() {
        for (const CheckStage stage : checkStages(result_.target.kind)) {
            runStage(stage);
        }
        return result_;
    }

private:
    struct Found {
        QString text;
        StageState state = StageState::Passed;
    };

    void runStage(CheckStage stage) {
        if (!result_.passed) {
            with_.tell({stage, StageState::Skipped, 0, {}});
            return;
        }
        with_.tell({stage, StageState::Running, 0, {}});
        QElapsedTimer clock;
        clock.start();
        Found found;
        try {
            found = look(stage);
        } catch (const Error& error) {
            found = {QString::fromUtf8(error.what()), StageState::Failed};
            result_.passed = false;
        }
        with_.tell({stage, found.state, clock.elapsed(), found.text});
    }

    Found look(CheckStage stage) {
        switch (stage) {
        case CheckStage::Reach:
            return reach();
        case CheckStage::HostKey:
            return compareKey();
        case CheckStage::LogIn:
            return logIn();
        case CheckStage::Tools:
            checkTools(*session_, stop_);
            return {tr("rsync and the usual tools are there")};
        case CheckStage::Folder:
            return readFacts();
        case CheckStage::Gpu:
            return describeGpus();
        case CheckStage::Worker:
            return describeWorker();
        case CheckStage::Scheduler:
            return askScheduler();
        }
        return {};
    }

    Found reach() {
        if (with_.ask) {
            askpass_ = std::make_unique<Askpass>(with_.ask);
        }
        shown_ = probeHostKeys(result_.target.ssh, askpass_.get(), stop_);
        return {tr("answers as an SSH server")};
    }

    Found compareKey() {
        const QStringList& known = result_.target.ssh.hostKeys;
        const bool isKnown =
            std::any_of(shown_.begin(), shown_.end(),
                        [&known](const QString& key) { return known.contains(key); });
        const QString print = fingerprint(shown_.first());
        if (isKnown) {
            return {print};
        }
        if (!with_.confirm || !with_.confirm(shown_)) {
            throw Error("remote.host-key-unknown",
                        tr("The key %1 was not confirmed.").arg(print).toStdString());
        }
        result_.target.ssh.hostKeys = shown_;
        return {tr("%1, confirmed now").arg(print)};
    }

    Found logIn() {
        session_ = std::make_unique<SshSession>(result_.target.ssh);
        session_->connect(askpass_.get(), stop_);
        const QByteArray who = session_->require(u"id -un; uname -sm"_s, "remote.login", stop_);
        return {QString::fromUtf8(who).simplified()};
    }

    Found readFacts() {
        const QString folder = expandHome(result_.target.folder, *session_, stop_);
        result_.facts = readHostFacts(folder, *session_, stop_);
        return {tr("%1: %2 free; %3 processors, %4 of memory free")
                    .arg(folder, sizeText(result_.facts.freeDiskBytes))
                    .arg(result_.facts.cores)
                    .arg(memoryText(result_.facts.freeMemoryBytes))};
    }

    Found describeGpus() const {
        if (result_.facts.gpus.isEmpty()) {
            return {result_.target.kind == TargetKind::Slurm
                        ? tr("none on the login node; the nodes may have some")
                        : tr("none; the processors do the work"),
                    StageState::Noted};
        }
        QStringList lines;
        for (const GpuFacts& gpu : result_.facts.gpus) {
            lines.append(tr("%1, %2 of %3 free, driver %4")
                             .arg(gpu.name, memoryText(gpu.freeBytes), memoryText(gpu.totalBytes),
                                  gpu.driver));
        }
        return {lines.join(u'\n')};
    }

    Found describeWorker() const {
        Target target = result_.target; // what is installed is found again by its hash
        endingScripts(*session_, stop_, [&](const HostSetUp& setUp) {
            installBundle(target, setUp, [this](double share) {
                with_.tell({CheckStage::Worker, StageState::Running, 0,
                            tr("its bundle is sent: %1 %").arg(qRound(100 * share))});
            });
        });
        const WorkerFacts worker =
            checkWorker(workerCommand(target, *session_, stop_), *session_, stop_);
        const bool isIdle = !worker.hasGpu && !result_.facts.gpus.isEmpty();
        return {isIdle ? tr("caldera %1, which cannot use the GPU: install one that was built for "
                            "GPUs, or look at the driver")
                             .arg(worker.version)
                       : tr("caldera %1").arg(worker.version),
                isIdle ? StageState::Noted : StageState::Passed};
    }

    Found askScheduler() const {
        const QByteArray version = session_->require(
            u"sbatch --version && command -v scancel >/dev/null"_s, "remote.scheduler", stop_);
        return {QString::fromUtf8(version).trimmed()};
    }

    const TargetCheck& with_;
    const std::stop_token& stop_;
    TargetCheckResult result_;
    QStringList shown_;
    std::unique_ptr<Askpass> askpass_;
    std::unique_ptr<SshSession> session_;
};

} // namespace

TargetCheckResult checkTarget(Target target, const TargetCheck& with, const std::stop_token& stop) {
    return Run(std::move(target), with, stop).all();
}

QList<CheckStage> checkStages(TargetKind kind) {
    QList<CheckStage> stages{CheckStage::Reach, CheckStage::HostKey, CheckStage::LogIn,
                             CheckStage::Tools, CheckStage::Folder,  CheckStage::Gpu,
                             CheckStage::Worker};
    if (kind == TargetKind::Slurm) {
        stages.append(CheckStage::Scheduler);
    }
    return stages;
}

} // namespace caldera::studio
