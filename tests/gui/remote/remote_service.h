// Jobs on a loopback host, as the studio's service starts and follows them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "tests/gui/remote/loopback_sshd.h"
#include "widgets/jobs/job_service.h"

namespace caldera::studio {

/// What tests of jobs elsewhere begin with and wait for; `patience` in milliseconds.
class RemoteServiceTest : public ::testing::Test {
protected:
    explicit RemoteServiceTest(int patience, QByteArrayList variables = {})
        : patience_(patience), server_(std::move(variables)) {}

    void makeService() {
        service_ = std::make_unique<JobService>(root_.path(), QStringLiteral("/nowhere/caldera"));
    }
    void awaitService() {
        ASSERT_TRUE(QTest::qWaitFor([this] { return service_->ready(); }, patience_));
    }
    /// A job on `target` whose worker is the host's script "played".
    QString playOn(Target target, const QString& scenario) {
        target.worker = server_.folder() + QStringLiteral("/played");
        return service_->start(
            {QStringLiteral("compress"), QStringLiteral("Played"), {scenario}, target, {}, {}});
    }
    /// What a failure to reach a phase should tell besides.
    virtual QByteArray moreFacts() const { return {}; }
    bool reaches(const QString& id, const QString& phase) {
        const bool is =
            QTest::qWaitFor([&] { return service_->job(id).phase == phase; }, patience_);
        EXPECT_TRUE(is) << service_->job(id).phase.toStdString() << ": "
                        << service_->job(id).message.toStdString() << "\n"
                        << moreFacts().toStdString();
        return is;
    }
    bool hasCells(const QString& id, qsizetype count) {
        return QTest::qWaitFor([&] { return service_->history(id).cells().size() >= count; },
                               patience_);
    }
    std::filesystem::path there(const QString& id) const {
        return std::filesystem::path(server_.folder().toStdString()) / "jobs" / id.toStdString();
    }

    /// The hash of what compressing the model by the plan gives here; empty when it fails.
    std::string hashFromHere(const std::filesystem::path& model,
                             const std::filesystem::path& plan) {
        QProcess local;
        const QString out = root_.filePath(QStringLiteral("from-here"));
        local.start(QStringLiteral(CALDERA_PROGRAM),
                    {QStringLiteral("compress"), QString::fromStdString(model.string()),
                     QStringLiteral("--plan"), QString::fromStdString(plan.string()),
                     QStringLiteral("--out"), out, QStringLiteral("--threads"),
                     QStringLiteral("1")});
        const bool isOver = local.waitForFinished(patience_);
        EXPECT_TRUE(isOver);
        return isOver ? Artifact::open(out.toStdString())->hash() : std::string();
    }

    int patience_;
    LoopbackSshd server_;
    QTemporaryDir root_;
    std::unique_ptr<JobService> service_;
};

} // namespace caldera::studio
