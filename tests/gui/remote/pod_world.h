// A whole world for jobs on rented pods: a played RunPod whose pods are reached at a real sshd on
// the loopback, a worker bundle, and the studio's services.
#pragma once

#include <filesystem>
#include <memory>

#include <QTemporaryDir>

#include <gtest/gtest.h>

#include "tests/gui/remote/loopback_sshd.h"
#include "tests/gui/remote/pod_studio.h"
#include "tests/support/fake_runpod.h"

namespace caldera::studio {

class PodWorld : public ::testing::Test {
protected:
    /// `patience` in milliseconds.
    explicit PodWorld(int patience);
    ~PodWorld() override;

    void SetUp() override;
    /// A studio starts on the folders that are there; one that runs before is gone at once.
    void openStudio();
    /// Nothing of it is told to anybody, as with a laptop that is gone.
    void closeStudio();
    /// A bundle whose worker is the real one, or plays scenarios.
    WorkerBundle bundle(bool plays);

    PodOrder order() const { return cheapOrder(volume()); }
    /// A job that the fake worker plays, on a pod.
    QString play(const QString& scenario);
    bool reaches(const QString& id, const QString& phase);
    bool hasCells(const QString& id, qsizetype count);
    bool podsAreGone();
    QString message(const QString& id) const { return jobs().job(id).message; }
    /// The job ends by this, and nothing costs anything.
    void expectFailure(const QString& id, const QString& word);
    JobService& jobs() const { return studio_->jobs; }
    PodJobs& podJobs() const { return studio_->podJobs; }
    PodRental* rental(const QString& id) const { return studio_->pods.rental(id); }
    std::filesystem::path here(const QString& id) const;
    std::filesystem::path there(const QString& id) const;
    QString volume() const { return server_.folder() + QStringLiteral("/volume"); }
    void go(const QString& id) const;
    QList<qint64> watchdogs(const QString& id) const;
    /// The machine behind the pod is gone: its worker, its watchdog and its sessions.
    void destroyMachine(const QString& id);

    int patience_;
    LoopbackSshd server_;
    test::FakeRunpod runpod_; ///< with a key that nothing else on this machine knows
    QTemporaryDir root_;
    PodWatch watch_;
    WorkerBundle bundle_;
    std::unique_ptr<PodStudio> studio_;
};

} // namespace caldera::studio
