// Jobs on another machine, end to end: a real sshd on the loopback, the real worker.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include <QDir>
#include <QElapsedTimer>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/gui/remote/remote_service.h"
#include "tests/gui/remote/served_health.h"
#include "tests/support/tiny_model.h"
#include "widgets/jobs/surprise.h"
#include "widgets/remote/pod_desk.h"
#include "widgets/remote/remote_job.h"
#include "widgets/remote/remote_record.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 120'000;

class RemoteJobTest : public RemoteServiceTest {
protected:
    RemoteJobTest() : RemoteServiceTest(kPatience) {}
    void SetUp() override {
        // What the worker of a played job is; `caldera job` itself is the real one.
        const QString script = server_.folder() + "/played"_L1;
        std::ofstream(script.toStdString())
            << "#!/bin/sh\nCALDERA_WORKER='" FAKE_WORKER "' exec '" CALDERA_PROGRAM "' \"$@\"\n";
        fs::permissions(script.toStdString(), fs::perms::owner_all);
        open();
    }
    void open() {
        service_.reset();
        seqs_.clear();
        makeService();
        QObject::connect(service_.get(), &JobService::jobEvent, service_.get(),
                         [this](const QString& id, const QJsonObject& event) {
                             seqs_[id].append(event["seq"_L1].toInt());
                         });
        awaitService();
    }
    /// A job that the fake worker plays.
    QString play(const QString& scenario) { return playOn(server_.target(), scenario); }
    fs::path here(const QString& id) const {
        return fs::path(root_.path().toStdString()) / id.toStdString();
    }
    void expectSameEvents(const QString& id) {
        EXPECT_EQ(readTextFile(here(id) / "events.jsonl"),
                  readTextFile(there(id) / "events.jsonl"));
        const QList<int> seqs = seqs_.value(id);
        ASSERT_FALSE(seqs.isEmpty());
        for (int i = 0; i < seqs.size(); ++i)
            ASSERT_EQ(seqs[i], i);
    }
    void go(const QString& id) { std::ofstream(there(id) / "go") << "go"; }

    QMap<QString, QList<int>> seqs_;
};

TEST_F(RemoteJobTest, TellsEveryEventOfTheHost) {
    const QString id = play(u"cells"_s);
    EXPECT_EQ(service_->job(id).host, u"loopback"_s);
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectSameEvents(id);
    EXPECT_EQ(service_->history(id).cells().size(), 21);
    EXPECT_EQ(service_->history(id).artifact(), service_->job(id).outFolder);
    EXPECT_TRUE(readRemoteRecord(here(id)).verified);
    EXPECT_TRUE(QTest::qWaitFor([&] { return !JobFolder(here(id)).workerAlive(); }, kPatience))
        << "nobody follows it any more";
}

TEST_F(RemoteJobTest, IsNotDoneWhereTheResultIsNotWhole) {
    const QString id = play(u"nothing"_s);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(service_->job(id).code, u"remote.result"_s);
    EXPECT_FALSE(readRemoteRecord(here(id)).verified);
}

TEST_F(RemoteJobTest, GoesOnWithoutTheStudioAndIsFoundAgain) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    service_.reset();
    EXPECT_EQ(JobFolder(here(id)).visiblePhase(), "lost");
    EXPECT_TRUE(JobFolder(there(id)).workerAlive());
    go(id);
    open();
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectSameEvents(id);
    EXPECT_EQ(service_->history(id).cells().size(), 40);
}

TEST_F(RemoteJobTest, IsCalledConnectingUntilItsHostIsHeard) {
    const QString id = play(u"endless"_s);
    ASSERT_TRUE(hasCells(id, 1));
    service_.reset();
    makeService();
    QStringList phases;
    const auto note = [&](const QString& job) { phases.append(service_->job(job).phase); };
    QObject::connect(service_.get(), &JobService::jobAdded, service_.get(), note);
    QObject::connect(service_.get(), &JobService::jobChanged, service_.get(), note);
    ASSERT_TRUE(reaches(id, u"running"_s));
    EXPECT_EQ(phases.value(0), u"connecting"_s);
    EXPECT_FALSE(phases.contains(u"lost"_s)) << phases.join(u' ').toStdString();
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
}

TEST_F(RemoteJobTest, AnotherHostKeyInMidRunLosesNothing) {
    const QString id = play(u"endless"_s);
    ASSERT_TRUE(hasCells(id, 1));
    server_.stop();
    server_.changeHostKey();
    server_.start();
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return service_->job(id).code == u"remote.host-key-changed"_s; }, kPatience));
    const JobSummary lost = service_->job(id);
    EXPECT_EQ(lost.phase, u"lost"_s);
    EXPECT_TRUE(lost.message.contains(u"another key"_s)) << lost.message.toStdString();
    EXPECT_TRUE(JobFolder(there(id)).workerAlive());
    service_->cancel(id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return service_->job(id).isCancelling; }, kPatience));
    service_->useTargets({server_.target()}); // its key is confirmed
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_FALSE(JobFolder(there(id)).workerAlive());
}

TEST_F(RemoteJobTest, BringsFinishedCellsHomeWhileItGoesOn) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    const fs::path last = here(id) / "cells/19.safetensors";
    ASSERT_TRUE(QTest::qWaitFor([&] { return fs::exists(last); }, kPatience));
    EXPECT_EQ(readTextFile(last), "cell 19");
    go(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_FALSE(fs::exists(here(id) / "cells")) << "they are joined in the result";
}

TEST_F(RemoteJobTest, ReconnectsAfterTheNetworkWasGone) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    server_.stop();
    ASSERT_TRUE(reaches(id, u"lost"_s));
    EXPECT_TRUE(service_->job(id).retryAt.isValid());
    go(id);
    server_.start();
    service_->resume(id); // at once, instead of after the wait
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectSameEvents(id);
}

TEST_F(RemoteJobTest, HearsOfACancelAtOnceThoughItWaitsForTheNextTry) {
    const QString id = play(u"endless"_s);
    ASSERT_TRUE(hasCells(id, 1));
    server_.stop();
    const auto waits = [&](int seconds) {
        return QTest::qWaitFor(
            [&] {
                const JobSummary job = service_->job(id);
                return job.retryAt > QDateTime::currentDateTimeUtc().addSecs(seconds);
            },
            kPatience);
    };
    ASSERT_TRUE(waits(12)) << "the waits grow";
    QElapsedTimer clock;
    clock.start();
    service_->cancel(id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return service_->job(id).isCancelling; }, kPatience));
    ASSERT_TRUE(waits(20)) << "it was tried at once";
    EXPECT_LT(clock.elapsed(), 12'000);
    server_.start();
    service_->cancel(id); // once more, as a person does who sees the host again
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_LT(clock.elapsed(), 28'000) << "the next try would have been 32 s later";
    EXPECT_FALSE(JobFolder(there(id)).workerAlive());
}

TEST_F(RemoteJobTest, AFolderThatCannotBeWrittenEndsItWithoutACrash) {
    JobSpec spec;
    spec.kind = "compress";
    const JobFolder folder = JobFolder::create(root_.path().toStdString() + "/elsewhere", spec);
    writeRemoteRecord(folder.path(), {server_.target(), {}, {}, {}});
    fs::remove(folder.path() / "state.json");
    fs::create_directories(folder.path() / "state.json/in the way");
    PodDesk desk;
    RemoteJob job(folder.path(), {}, desk);
    EXPECT_NO_THROW(job.run(RemoteJob::Begin::Follow, {}));
}

TEST_F(RemoteJobTest, ResumesOnlyWithTheSameWorker) {
    const QString id = play(u"crash"_s);
    ASSERT_TRUE(reaches(id, u"lost"_s));
    ASSERT_TRUE(QTest::qWaitFor([&] { return !JobFolder(here(id)).workerAlive(); }, kPatience));
    std::ofstream((server_.folder() + "/played"_L1).toStdString())
        << "#!/bin/sh\necho caldera 0.0.1\n";
    service_->resume(id);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(service_->job(id).code, u"remote.version"_s);
}

TEST_F(RemoteJobTest, PassesPauseAndCancelOn) {
    const QString id = play(u"endless"_s);
    ASSERT_TRUE(hasCells(id, 1));
    service_->pause(id);
    ASSERT_TRUE(reaches(id, u"paused"_s));
    service_->resume(id);
    ASSERT_TRUE(reaches(id, u"running"_s));
    JobFolder(there(id)).requestPause(); // by a terminal there
    ASSERT_TRUE(reaches(id, u"paused"_s));
    service_->resume(id);
    ASSERT_TRUE(reaches(id, u"running"_s));
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    expectSameEvents(id);
}

TEST_F(RemoteJobTest, CallsAKilledWorkerLostAndResumesIt) {
    const QString id = play(u"crash"_s);
    ASSERT_TRUE(reaches(id, u"lost"_s));
    EXPECT_TRUE(service_->job(id).message.contains(u"without a word"_s));
    ASSERT_TRUE(QTest::qWaitFor([&] { return !JobFolder(here(id)).workerAlive(); }, kPatience));
    seqs_.clear();
    service_->resume(id);
    ASSERT_TRUE(hasCells(id, 3));
    ASSERT_TRUE(reaches(id, u"lost"_s));
}

TEST_F(RemoteJobTest, SaysWhyAJobCannotBegin) {
    const QString refused = play(u"refuse"_s);
    ASSERT_TRUE(reaches(refused, u"failed"_s));
    EXPECT_TRUE(service_->job(refused).message.contains(u"file does not exist"_s))
        << service_->job(refused).message.toStdString();
    Target target = server_.target();
    target.worker = u"/nowhere/caldera"_s;
    const QString id = service_->start({u"compress"_s, u"x"_s, {u"cells"_s}, target, {}, {}});
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(service_->job(id).code, u"remote.worker"_s);
}

TEST_F(RemoteJobTest, CompressesToTheSameArtifactAsHere) {
    const fs::path model = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    Plan plan = defaultPlan(model.string(), openModel(model)->config);
    plan.skipLayers = {"model.layers.[2-7].*"};
    plan.calibration.tokens = 1024;
    const fs::path file = fs::path(root_.path().toStdString()) / "plan.yaml";
    savePlan(plan, file);
    const QByteArray bytes = QByteArray::fromStdString(readTextFile(file));
    const QString id = service_->start({u"compress"_s,
                                        u"Demo"_s,
                                        {u"compress"_s, QString::fromStdString(model.string()),
                                         u"--plan"_s, u"{job}/plan.yaml"_s, u"--threads"_s, u"1"_s},
                                        server_.target(),
                                        {},
                                        {{u"plan.yaml"_s, bytes}}});
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectSameEvents(id);
    EXPECT_FALSE(fs::exists(here(id) / "cells"));

    const std::string hash = Artifact::open(here(id) / "out")->hash();
    EXPECT_EQ(hash, hashFromHere(model, file));
    EXPECT_EQ(service_->history(id).artifactHash().toStdString(), hash);
}

TEST_F(RemoteJobTest, ServesThroughATunnelThatComesBack) {
    const caldera::test::TinyModel model;
    QList<int> ports;
    QByteArray bearer;
    QObject::connect(service_.get(), &JobService::serverReached, service_.get(),
                     [&](const QString&, int port, const QByteArray& token) {
                         ports.append(port);
                         bearer = token;
                     });
    const QString id = service_->start(
        {u"serve"_s,
         u"Tiny"_s,
         {u"serve"_s, QString::fromStdString(model.folder().string()), u"--port"_s, u"0"_s},
         server_.target(),
         {},
         {}});
    ASSERT_TRUE(QTest::qWaitFor([&] { return !ports.isEmpty(); }, kPatience));
    EXPECT_EQ(healthStatus(ports.last(), bearer, kPatience), 200);
    EXPECT_FALSE(fs::exists(here(id) / "access-token")) << "it stays on the host";
    server_.dropSessions();
    ASSERT_TRUE(QTest::qWaitFor([&] { return ports.size() > 1; }, kPatience));
    EXPECT_EQ(ports[1], ports[0]) << "whoever talks to it need not learn a new port";
    EXPECT_EQ(healthStatus(ports.last(), bearer, kPatience), 200);
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"done"_s)); // a server has nothing to finish
}

TEST_F(RemoteJobTest, RevisesTheCompressionThatIsAtWork) {
    // Its worker waits at its first step, so that a fast machine is not done before.
    const fs::path waiting = fs::path(server_.folder().toStdString()) / "waiting";
    std::ofstream(waiting)
        << "#!/bin/sh\nfor folder; do :; done\necho pause > \"$folder/control\"\n"
           "exec '" CALDERA_PROGRAM "' \"$@\"\n";
    const fs::path program = fs::path(server_.folder().toStdString()) / "starter";
    std::ofstream(program) << "#!/bin/sh\nCALDERA_WORKER='" << waiting.string()
                           << "' exec '" CALDERA_PROGRAM "' \"$@\"\n";
    for (const fs::path& script : {waiting, program})
        fs::permissions(script, fs::perms::owner_all);
    Target target = server_.target();
    target.worker = QString::fromStdString(program.string());
    const fs::path model = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    Plan plan = defaultPlan(model.string(), openModel(model)->config);
    plan.skipLayers = {"model.layers.[2-7].*"};
    plan.calibration.tokens = 1024;
    const QByteArray before = QByteArray::fromStdString(printPlan(plan));
    plan.layerOverrides = {{"model.layers.0.mlp.down_proj", {}}};
    plan.layerOverrides[0].second.bits = 3;
    const fs::path file = fs::path(root_.path().toStdString()) / "other.yaml";
    savePlan(plan, file);
    const QString id = service_->start({u"compress"_s,
                                        u"Demo"_s,
                                        {u"compress"_s, QString::fromStdString(model.string()),
                                         u"--plan"_s, u"{job}/plan.yaml"_s, u"--threads"_s, u"1"_s},
                                        target,
                                        {},
                                        {{u"plan.yaml"_s, before}}});
    ASSERT_TRUE(reaches(id, u"paused"_s));
    // What is promised is impossible, so every cell of it surprises.
    const std::map<Cell, ExpectedError> promised{
        {{1, Module::DownProj}, {1e-6, 1e-6, 2e-6, ErrorOrigin::Measured}}};
    service_->revise(id, QByteArray::fromStdString(readTextFile(file)),
                     QByteArray::fromStdString(expectedText(promised)));
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return readTextFile(there(id) / "plan.yaml") == readTextFile(file); }, kPatience));
    JobFolder(there(id)).requestContinue(); // it was paused there
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectSameEvents(id);
    EXPECT_EQ(surprisesOf(service_->history(id)).size(), 1);

    EXPECT_EQ(Artifact::open(here(id) / "out")->hash(), hashFromHere(model, file));
}

TEST_F(RemoteJobTest, MeasuresAndEvaluatesThere) {
    const caldera::test::TinyModel artifact;
    const QString model = QStringLiteral(CALDERA_SOURCE_DIR "/resources/demo-model");
    const QString measured = service_->start(
        {u"fidelity"_s,
         u"Measure"_s,
         {u"fidelity"_s, model, u"--metric"_s, u"lens"_s, u"--text-tokens"_s, u"64"_s},
         server_.target(),
         {},
         {}});
    const QString evaluated =
        service_->start({u"evaluate"_s,
                         u"Evaluate"_s,
                         {u"evaluate"_s, QString::fromStdString(artifact.folder().string()),
                          u"--max-tokens"_s, u"256"_s},
                         server_.target(),
                         {},
                         {}});
    ASSERT_TRUE(reaches(measured, u"done"_s));
    ASSERT_TRUE(reaches(evaluated, u"done"_s));
    EXPECT_TRUE(fs::exists(here(measured) / "out/fidelity.h5"));
    EXPECT_TRUE(fs::exists(here(evaluated) / "out/evaluation.h5"));
    expectSameEvents(measured);
    expectSameEvents(evaluated);
}

} // namespace
} // namespace caldera::studio
