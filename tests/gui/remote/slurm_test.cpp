// Jobs on a cluster, end to end: a real sshd, a real SLURM of one node, the real worker.
#include "widgets/remote/slurm.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <QDir>
#include <QHostInfo>
#include <QSysInfo>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "core/job/shards.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/gui/remote/served_health.h"
#include "tests/gui/remote/slurm_service.h"
#include "tests/support/tiny_model.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 180'000;

class SlurmTest : public SlurmServiceTest {
protected:
    SlurmTest() : SlurmServiceTest(kPatience) {}
    void SetUp() override {
        writePlayedWorker();
        makeService();
        awaitService();
    }
    /// A worker that is the real one for `caldera job`, and the played one for everything else.
    void writePlayedWorker() {
        const QString path = server_.folder() + "/played"_L1;
        std::ofstream(path.toStdString())
            << "#!/bin/sh\ncase $1 in job|--version) exec '" CALDERA_PROGRAM
               "' \"$@\";; esac\nexec '" FAKE_WORKER "' \"$@\"\n";
        fs::permissions(path.toStdString(), fs::perms::owner_all);
    }
    Target target() const {
        Target target = server_.target();
        target.kind = TargetKind::Slurm;
        target.name = u"cluster"_s;
        return target;
    }
    QString play(const QString& scenario) { return playOn(target(), scenario); }
    QByteArray moreFacts() const override { return slurm_->run(u"squeue"_s, {}); }
};

TEST_F(SlurmTest, RunsAndCancelsJobsOfTheScheduler) {
    const QString id = play(u"cells"_s);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(service_->history(id).cells().size(), 21);

    const QString endless = play(u"endless"_s);
    ASSERT_TRUE(hasCells(endless, 1));
    service_->cancel(endless);
    ASSERT_TRUE(reaches(endless, u"cancelled"_s));

    slurm_->run(u"scontrol"_s, {u"update"_s, u"PartitionName=main"_s, u"State=DOWN"_s});
    const QString waiting = play(u"cells"_s);
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return fs::exists(there(waiting) / "slurm/ids"); }, kPatience));
    ASSERT_TRUE(reaches(waiting, u"queued"_s));
    EXPECT_TRUE(QTest::qWaitFor(
        [&] { return service_->job(waiting).message.contains("PartitionDown"_L1); }, kPatience))
        << "it says what it waits for";
    service_->cancel(waiting);
    ASSERT_TRUE(reaches(waiting, u"cancelled"_s));
    EXPECT_TRUE(
        QTest::qWaitFor([&] { return slurm_->run(u"squeue"_s, {u"-h"_s}).isEmpty(); }, kPatience));
    slurm_->run(u"scontrol"_s, {u"update"_s, u"PartitionName=main"_s, u"State=UP"_s});
}

TEST_F(SlurmTest, GoesOnAfterItWasPreempted) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    const QString number = QString::fromStdString(readTextFile(there(id) / "slurm/ids")).trimmed();
    slurm_->run(u"scontrol"_s, {u"requeue"_s, number});
    // By itself the scheduler lets a requeued job wait for two minutes. Asked too often, it does
    // nothing else.
    const auto secondSpeaks = [&] { return service_->history(id).log().size() > 30; };
    for (int attempt = 0; attempt < 30 && !secondSpeaks(); ++attempt) {
        slurm_->run(u"scontrol"_s, {u"update"_s, "JobId="_L1 + number, u"StartTime=now"_s});
        if (QTest::qWaitFor(secondSpeaks, 5000))
            break;
    }
    ASSERT_TRUE(secondSpeaks());
    EXPECT_TRUE(service_->job(id).active());
    std::ofstream(there(id) / "go") << "go";
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(service_->history(id).cells().size(), 40);
}

TEST_F(SlurmTest, CallsAJobLostThatTheSchedulerDropped) {
    const QString id = play(u"endless"_s);
    ASSERT_TRUE(hasCells(id, 1));
    slurm_->run(u"scancel"_s,
                {u"--signal=KILL"_s, u"--full"_s,
                 QString::fromStdString(readTextFile(there(id) / "slurm/ids")).trimmed()});
    ASSERT_TRUE(reaches(id, u"lost"_s));
}

TEST_F(SlurmTest, CompressesInPartsToTheSameArtifact) {
    const fs::path model = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    Plan plan = defaultPlan(model.string(), openModel(model)->config);
    plan.skipLayers = {"model.layers.[1-6].*"};
    plan.calibration.tokens = 1024;
    const fs::path file = fs::path(root_.path().toStdString()) / "plan.yaml";
    savePlan(plan, file);
    Target parted = target();
    parted.slurm.shards = 2;
    const QString id =
        service_->start({u"compress"_s,
                         u"In parts"_s,
                         {u"compress"_s, QString::fromStdString(model.string()), u"--plan"_s,
                          u"{job}/plan.yaml"_s, u"--threads"_s, u"1"_s},
                         parted,
                         {},
                         {{u"plan.yaml"_s, QByteArray::fromStdString(readTextFile(file))}}});
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(shardJobs(JobFolder(there(id))).size(), 2U);
    const fs::path here = fs::path(root_.path().toStdString()) / id.toStdString();
    EXPECT_EQ(Artifact::open(here / "out")->hash(), hashFromHere(model, file));
}

TEST_F(SlurmTest, RevisesACompressionInParts) {
    const fs::path model = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    Plan plan = defaultPlan(model.string(), openModel(model)->config);
    plan.skipLayers = {"model.layers.[1-6].*"};
    plan.calibration.tokens = 1024;
    Target parted = target();
    parted.slurm.shards = 2;
    const QString id =
        service_->start({u"compress"_s,
                         u"In parts"_s,
                         {u"compress"_s, QString::fromStdString(model.string()), u"--plan"_s,
                          u"{job}/plan.yaml"_s, u"--threads"_s, u"1"_s},
                         parted,
                         {},
                         {{u"plan.yaml"_s, QByteArray::fromStdString(printPlan(plan))}}});
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return fs::exists(there(id) / "shards/0/cells"); }, kPatience));
    for (const JobFolder& part : shardJobs(JobFolder(there(id))))
        part.requestPause(); // so that a fast machine is not done before
    plan.layerOverrides = {{"model.layers.0.mlp.down_proj", {}}};
    plan.layerOverrides[0].second.bits = 3;
    const fs::path file = fs::path(root_.path().toStdString()) / "other.yaml";
    savePlan(plan, file);
    service_->revise(id, QByteArray::fromStdString(readTextFile(file)), {});
    ASSERT_TRUE(reaches(id, u"done"_s));
    const fs::path here = fs::path(root_.path().toStdString()) / id.toStdString();
    EXPECT_EQ(Artifact::open(here / "out")->hash(), hashFromHere(model, file));
}

TEST_F(SlurmTest, MeasuresAndEvaluatesThere) {
    const QString model = QStringLiteral(CALDERA_SOURCE_DIR "/resources/demo-model");
    const QString measured = service_->start(
        {u"fidelity"_s,
         u"Measure"_s,
         {u"fidelity"_s, model, u"--metric"_s, u"lens"_s, u"--text-tokens"_s, u"64"_s},
         target(),
         {},
         {}});
    const QString evaluated = service_->start({u"evaluate"_s,
                                               u"Evaluate"_s,
                                               {u"evaluate"_s, model, u"--max-tokens"_s, u"256"_s},
                                               target(),
                                               {},
                                               {}});
    ASSERT_TRUE(reaches(measured, u"done"_s));
    ASSERT_TRUE(reaches(evaluated, u"done"_s));
    const fs::path root = root_.path().toStdString();
    EXPECT_TRUE(fs::exists(root / measured.toStdString() / "out/fidelity.h5"));
    EXPECT_TRUE(fs::exists(root / evaluated.toStdString() / "out/evaluation.h5"));
}

/// The address that this machine's own name leads to.
QString ownAddress() {
    const QList<QHostAddress> found = QHostInfo::fromName(QSysInfo::machineHostName()).addresses();
    for (const QHostAddress& address : found) {
        if (address.protocol() == QAbstractSocket::IPv4Protocol)
            return address.toString();
    }
    return {};
}

/// The "node" is this machine by its name, with an sshd of its own; the login node calls itself
/// otherwise.
TEST_F(SlurmTest, ServesFromANodeBehindTheLoginNode) {
    ASSERT_FALSE(ownAddress().isEmpty()) << "this machine's name leads to no address";
    const QString programs = server_.folder() + "/programs"_L1;
    QDir().mkpath(programs);
    std::ofstream((programs + "/uname"_L1).toStdString()) << "#!/bin/sh\necho login1\n";
    fs::permissions((programs + "/uname"_L1).toStdString(), fs::perms::owner_all);
    LoopbackSshd login({"SLURM_CONF=" + slurm_->config().toUtf8(),
                        "PATH=" + programs.toUtf8() + ":/usr/bin:/bin:/usr/sbin"});
    LoopbackSshd node({}, ownAddress());
    node.letInAs(login);
    Target cluster = login.target();
    cluster.kind = TargetKind::Slurm;
    cluster.name = u"cluster"_s;
    cluster.slurm.nodeSshPort = node.port();
    const caldera::test::TinyModel model;
    int port = 0;
    QByteArray bearer;
    QObject::connect(service_.get(), &JobService::serverReached, service_.get(),
                     [&](const QString&, int reached, const QByteArray& token) {
                         port = reached;
                         bearer = token;
                     });
    const QString id = service_->start(
        {u"serve"_s,
         u"Tiny"_s,
         {u"serve"_s, QString::fromStdString(model.folder().string()), u"--port"_s, u"0"_s},
         cluster,
         {},
         {}});
    ASSERT_TRUE(QTest::qWaitFor([&] { return port > 0; }, kPatience))
        << service_->job(id).message.toStdString();
    EXPECT_FALSE(childrenOf(node.processId()).isEmpty()) << "the way leads through the node";
    EXPECT_EQ(healthStatus(port, bearer, kPatience), 200);
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
}

TEST(SlurmScript, SplitsLayersEvenly) {
    EXPECT_EQ(splitLayers(80, 3), (QList<LayerRange>{{0, 26}, {26, 53}, {53, 80}}));
    EXPECT_EQ(splitLayers(2, 5), (QList<LayerRange>{{0, 1}, {1, 2}}));
    EXPECT_EQ(splitLayers(8, 1), (QList<LayerRange>{{0, 8}}));
    EXPECT_EQ(splitLayers(0, 4).size(), 1);
}

TEST(SlurmQueue, GoesOnUnlessWhatIsLeftIsHeld) {
    EXPECT_FALSE(queueGoesOn("\n"));
    EXPECT_TRUE(queueGoesOn("RUNNING None\n"));
    EXPECT_TRUE(queueGoesOn("PENDING Resources\nPENDING Dependency\n"));
    EXPECT_TRUE(queueGoesOn("PENDING Dependency\n")) << "the parts have just ended";
    EXPECT_TRUE(queueGoesOn("PENDING JobHeldUser\n")) << "whoever held it will release it";
    EXPECT_FALSE(queueGoesOn("PENDING launch failed requeued held\n"));
    EXPECT_FALSE(queueGoesOn("PENDING launch_failed_requeued_held\nPENDING Dependency\n"));
    EXPECT_TRUE(queueGoesOn("RUNNING None\nPENDING launch failed requeued held\n"));
}

TEST(SlurmQueue, SaysWhatItWaitsFor) {
    EXPECT_EQ(queueReason("PENDING Resources\nPENDING Dependency\n"), u"Resources"_s);
    EXPECT_EQ(queueReason("PENDING Dependency\nPENDING Nodes_required_for_job_are_DOWN,_DRAINED\n"),
              u"Nodes required for job are DOWN, DRAINED"_s);
    EXPECT_EQ(queueReason("RUNNING None\nPENDING Resources\n"), QString());
    EXPECT_EQ(queueReason("PENDING None\n"), QString());
    EXPECT_EQ(queueReason(""), QString());
}

TEST(GatheredState, IsWhatThePartsDo) {
    QTemporaryDir root;
    JobSpec spec;
    spec.kind = "compress";
    const JobFolder job = JobFolder::create(root.path().toStdString(), spec);
    EXPECT_EQ(gatheredState(job).phase, "queued");
    fs::create_directories(job.path() / "shards/0.job");
    fs::create_directories(job.path() / "shards/1.job");
    const std::vector<JobFolder> parts = shardJobs(job);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(gatheredState(job).phase, "queued");
    JobState state;
    state.phase = "done";
    parts[0].writeState(state);
    EXPECT_EQ(gatheredState(job).phase, "running");
    EXPECT_EQ(gatheredState(job).fraction, 0.5);
    state.phase = "running";
    state.stage = "compress";
    state.fraction = 0.5;
    parts[1].writeState(state);
    EXPECT_EQ(gatheredState(job).fraction, 0.75);
    state.phase = "failed";
    state.message = "There is no model.";
    state.code = "model.missing";
    parts[1].writeState(state);
    EXPECT_EQ(gatheredState(job).phase, "failed");
    EXPECT_EQ(gatheredState(job).message, "Part 2 of 2: There is no model.");
    state.phase = "running";
    job.writeState(state);
    EXPECT_EQ(gatheredState(job).phase, "running") << "its own worker joins the parts";
}

} // namespace
} // namespace caldera::studio
