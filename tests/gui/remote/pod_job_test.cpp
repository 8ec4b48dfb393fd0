// Jobs on rented pods, end to end: a played RunPod, a real sshd, the real watchdog.

#include <gmock/gmock.h>

#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "tests/gui/remote/pod_world.h"
#include "tests/gui/remote/served_health.h"
#include "tests/support/code_of.h"
#include "tests/support/fake_hub.h"
#include "tests/support/tiny_model.h"
#include "widgets/remote/remote_record.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace fs = std::filesystem;
using caldera::test::Trouble;

namespace {

constexpr int kPatience = 120'000;

class PodJobTest : public PodWorld {
protected:
    PodJobTest() : PodWorld(kPatience) {}

    bool hasSameEvents(const QString& id) const {
        return readTextFile(here(id) / "events.jsonl") == readTextFile(there(id) / "events.jsonl");
    }
};

} // namespace

TEST_F(PodJobTest, RentsWorksBringsHomeAndGivesBack) {
    const QString id = play(u"two-parts"_s);
    EXPECT_TRUE(jobs().job(id).isOnPod);
    ASSERT_TRUE(hasCells(id, 20));
    EXPECT_EQ(runpod_.pods().size(), 1U);
    ASSERT_TRUE(QTest::qWaitFor([&] { return watchdogs(id).size() == 1; }, kPatience));
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return fs::exists(here(id) / "cells/19.safetensors"); }, kPatience));
    EXPECT_TRUE(fs::exists(there(id) / "attended"));
    const std::optional<PodCost> cost = podJobs().cost(id);
    ASSERT_TRUE(cost);
    EXPECT_DOUBLE_EQ(cost->hourly, 0.46);
    EXPECT_EQ(cost->gpu, u"NVIDIA GeForce RTX 3090"_s);
    EXPECT_EQ(rental(id)->record().jobFolder.toStdString(), there(id).string());
    go(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_TRUE(hasSameEvents(id));
    EXPECT_TRUE(readRemoteRecord(here(id)).verified);
    EXPECT_TRUE(podsAreGone());
    ASSERT_TRUE(QTest::qWaitFor([&] { return rental(id)->record().over(); }, kPatience));
    EXPECT_TRUE(rental(id)->record().verified);
    EXPECT_TRUE(QTest::qWaitFor([&] { return watchdogs(id).isEmpty(); }, kPatience));
    EXPECT_TRUE(QTest::qWaitFor(
        [&] { return QDir(root_.filePath(u"keys"_s)).entryList(QDir::Files).isEmpty(); },
        kPatience))
        << "the login key outlives its pod";
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 1);
}

TEST_F(PodJobTest, SendsTheWorkerOnceAVolume) {
    ASSERT_TRUE(reaches(play(u"cells"_s), u"done"_s));
    const fs::path workers = fs::path(volume().toStdString()) / ".caldera/workers";
    const fs::path program = workers / bundle_.sha256.left(16).toStdString() / "bin/caldera";
    ASSERT_TRUE(fs::exists(program));
    const auto before = fs::last_write_time(program.parent_path());
    bundle_.archive.clear(); // a second pod finds it
    podJobs().setBundle(bundle_);
    ASSERT_TRUE(reaches(play(u"cells"_s), u"done"_s));
    EXPECT_EQ(fs::last_write_time(program.parent_path()), before);
}

TEST_F(PodJobTest, RefusesWhatCannotBeBeforeAnythingIsRented) {
    PodOrder wish = order();
    wish.request.volume.id.clear();
    const JobRequest job{u"compress"_s, u"x"_s, {u"cells"_s}, {}, {}, {}};
    EXPECT_EQ(test::codeOf([&] { podJobs().start(job, wish); }), "pod.folder");
    wish = order();
    wish.work.workSeconds = 100 * 3600;
    EXPECT_EQ(test::codeOf([&] { podJobs().start(job, wish); }), "pod.cap");
    EXPECT_TRUE(jobs().jobs().isEmpty());
    EXPECT_TRUE(runpod_.requests().empty() || runpod_.count("POST /v2/pods") == 0);
}

TEST_F(PodJobTest, EveryKindRunsEachOnAPodOfItsOwn) {
    const caldera::test::TinyModel tiny;
    const QString artifact = QString::fromStdString(tiny.folder().string());
    const QString demo = QStringLiteral(CALDERA_SOURCE_DIR) + "/resources/demo-model"_L1;
    podJobs().setBundle(bundle(false));
    int port = 0;
    QByteArray bearer;
    QObject::connect(&jobs(), &JobService::serverReached, &jobs(),
                     [&](const QString&, int reached, const QByteArray& token) {
                         port = reached;
                         bearer = token;
                     });
    const auto start = [this](const QString& kind, const QStringList& arguments) {
        return podJobs().start({kind, kind, arguments, {}, {}, {}}, order());
    };
    const QString evaluation = start(u"evaluate"_s, {u"evaluate"_s, artifact, u"--max-tokens"_s,
                                                     u"64"_s, u"--context"_s, u"32"_s});
    const QString fidelity =
        start(u"fidelity"_s, {u"fidelity"_s, demo, u"--metric"_s, u"lens"_s, u"--text-tokens"_s,
                              u"32"_s, u"--negatives"_s, u"64"_s});
    ASSERT_TRUE(reaches(evaluation, u"done"_s));
    EXPECT_TRUE(fs::exists(here(evaluation) / "out/evaluation.h5"));
    ASSERT_TRUE(reaches(fidelity, u"done"_s));
    EXPECT_TRUE(fs::exists(here(fidelity) / "out/fidelity.h5"));

    // On a pod like the one of an earlier job, as a chat with its result does.
    const QString serve = podJobs().startLike(
        evaluation,
        {u"serve"_s, u"serve"_s, {u"serve"_s, artifact, u"--port"_s, u"0"_s}, {}, {}, {}});
    ASSERT_TRUE(QTest::qWaitFor([&] { return port > 0; }, kPatience));
    EXPECT_EQ(healthStatus(port, bearer, kPatience), 200);
    EXPECT_EQ(runpod_.pods().size(), 1U) << "only what is used is rented";
    jobs().cancel(serve);
    ASSERT_TRUE(reaches(serve, u"done"_s)); // a server has nothing to finish
    EXPECT_TRUE(podsAreGone());
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 3);
}

TEST_F(PodJobTest, ThePodFetchesItsModelFromTheHub) {
    test::FakeHub hub(fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model", "Owner/demo",
                      "hf_token_of_the_test");
    hub.breakNext("model.safetensors");
    podJobs().setBundle(bundle(false));
    jobs().pods().setHub({QString::fromStdString(hub.url()), "hf_token_of_the_test"});
    QSet<QString> stages;
    QObject::connect(&jobs(), &JobService::jobChanged, &jobs(),
                     [&](const QString& id) { stages.insert(jobs().job(id).stage); });
    const auto measure = [this] {
        return podJobs().start({u"fidelity"_s,
                                u"x"_s,
                                {u"fidelity"_s, u"Owner/demo"_s, u"--metric"_s, u"lens"_s,
                                 u"--text-tokens"_s, u"32"_s, u"--negatives"_s, u"64"_s},
                                {},
                                {},
                                {}},
                               order());
    };
    ASSERT_TRUE(reaches(measure(), u"done"_s));
    EXPECT_TRUE(stages.contains(u"fetch-model"_s));
    const size_t once = hub.sent();
    EXPECT_EQ(once, fs::file_size(fs::path(CALDERA_SOURCE_DIR) /
                                  "resources/demo-model/model.safetensors"))
        << "what had come is not fetched twice";
    ASSERT_TRUE(reaches(measure(), u"done"_s));
    EXPECT_EQ(hub.sent(), once) << "a second pod finds it on the volume";
    jobs().pods().setHub({QString::fromStdString(hub.url()), "another_token"});
    const QString refused = podJobs().start(
        {u"fidelity"_s, u"x"_s, {u"fidelity"_s, u"Owner/other"_s}, {}, {}, {}}, order());
    expectFailure(refused, u"licence"_s);
}

TEST_F(PodJobTest, ACancelBeforeThePodIsReachedGivesItBack) {
    runpod_.hangProvisioning(true);
    const QString id = play(u"cells"_s);
    ASSERT_TRUE(QTest::qWaitFor([&] { return runpod_.pods().size() == 1; }, kPatience));
    jobs().cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodJobTest, ACancelInMidRunStopsTheWorkerFirst) {
    const QString id = play(u"endless"_s);
    ASSERT_TRUE(hasCells(id, 3));
    jobs().cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_NE(readTextFile(there(id) / "events.jsonl").find("\"phase\":\"cancelled\""),
              std::string::npos);
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodJobTest, ARefusalIsTheJobsFailure) {
    struct Case {
        int status;
        QString word;
    };
    for (const Case& refused : {Case{401, u"key"_s}, Case{402, u"credit"_s}, Case{422, u"422"_s}}) {
        runpod_.cause({.verb = "POST", .path = "/v2/pods", .status = refused.status});
        expectFailure(play(u"cells"_s), refused.word);
    }
    runpod_.setStock("NVIDIA GeForce RTX 3090", false);
    expectFailure(play(u"cells"_s), u"available"_s);
    EXPECT_TRUE(runpod_.costly().empty());
}

TEST_F(PodJobTest, BusyServersAndLostAnswersMakeOnePod) {
    runpod_.cause({.verb = "POST", .path = "/v2/pods", .status = 429});
    runpod_.cause({.verb = "POST", .path = "/v2/pods", .dropAnswer = true});
    ASSERT_TRUE(reaches(play(u"cells"_s), u"done"_s));
    EXPECT_TRUE(podsAreGone());
    EXPECT_GT(runpod_.spent(), 0);
}

TEST_F(PodJobTest, AHangingStartEndsTheJob) {
    runpod_.hangProvisioning(true);
    const QString id = play(u"cells"_s);
    ASSERT_TRUE(QTest::qWaitFor([&] { return runpod_.pods().size() == 1; }, kPatience));
    runpod_.advance(901);
    expectFailure(id, u"15 minutes"_s);
}

TEST_F(PodJobTest, ADeadPodIsReplacedOnResume) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    runpod_.setStatus(runpod_.costly().front(), "TERMINATED");
    destroyMachine(id);
    expectFailure(id, u"Resume"_s);
    go(id);
    jobs().resume(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 2);
    EXPECT_TRUE(podsAreGone());
    EXPECT_GT(podJobs().cost(id)->spent, 0);
}

TEST_F(PodJobTest, WhatAnEarlierPodHasDoneIsOnlyFetched) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    closeStudio();
    go(id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return !JobFolder(there(id)).workerAlive(); }, kPatience));
    const std::string events = readTextFile(there(id) / "events.jsonl");
    runpod_.setStatus(runpod_.costly().front(), "TERMINATED");
    openStudio();
    ASSERT_TRUE(reaches(id, u"failed"_s));
    jobs().resume(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_TRUE(readTextFile(here(id) / "events.jsonl") == events) << "a worker was started again";
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodJobTest, AClosedStudioFindsJobAndPodAgain) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    openStudio();
    go(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_TRUE(hasSameEvents(id));
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 1);
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodJobTest, AJobWhosePodNobodyRentedSaysSo) {
    const QString id =
        jobs().start({u"compress"_s,
                      u"x"_s,
                      {u"cells"_s},
                      {TargetKind::Pod, u"RunPod"_s, {}, volume() + "/caldera-jobs"_L1, {}, {}},
                      {},
                      {}});
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_TRUE(message(id).contains(u"Nothing was spent"_s));
}

} // namespace caldera::studio
