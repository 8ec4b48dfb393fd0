// What bounds the costs of a job on a rented pod: its watchdog, its cap, and that nothing happens.
#include <csignal>
#include <filesystem>

#include <QTimer>

#include "core/job/job_folder.h"
#include "tests/gui/remote/pod_world.h"
#include "tests/gui/remote/small_bundle.h"
#include "tests/support/tiny_model.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace fs = std::filesystem;

namespace {

constexpr int kPatience = 120'000;

class PodLimitsTest : public PodWorld {
protected:
    PodLimitsTest() : PodWorld(kPatience) {}
    /// Nothing answers any more, and somebody at the provider stops the pod; the person resumes the
    /// job before it has heard of that.
    void loseStoppedPod(const QString& id) {
        server_.stop();
        for (const qint64 process : processesWith({server_.folder().toUtf8(), id.toUtf8()}))
            ::kill(static_cast<pid_t>(process), SIGKILL);
        ASSERT_TRUE(reaches(id, u"lost"_s));
        QObject::connect(rental(id), &PodRental::changed, &jobs(), [this, id] {
            if (rental(id)->record().phase == PodPhase::Stopped)
                jobs().resume(id);
        });
        runpod_.setStatus(runpod_.costly().front(), "EXITED");
        ASSERT_TRUE(QTest::qWaitFor([&] { return rental(id)->record().phase >= PodPhase::Stopped; },
                                    kPatience));
    }
};

} // namespace

TEST_F(PodLimitsTest, NoJobWorksWithoutAWatchdog) {
    podJobs().setBundle(
        packSmallBundle(server_.folder(), u"unwatched"_s,
                        u"test \"$1\" != watch-pod || { echo 'no such luck' >&2; exit 1; };"_s));
    const QString id = play(u"cells"_s);
    expectFailure(id, u"no such luck"_s);
    EXPECT_EQ(jobs().job(id).code, u"pod.watchdog"_s);
    EXPECT_FALSE(fs::exists(there(id) / "events.jsonl")) << "it worked unwatched";
}

TEST_F(PodLimitsTest, AWatchdogThatMayNotStopThePodIsNone) {
    PodWatch powerless = watch_;
    powerless.key = "rpa_of_nobody";
    podJobs().setWatch(powerless);
    const QString id = play(u"cells"_s);
    expectFailure(id, u"may not stop it"_s);
    EXPECT_FALSE(fs::exists(there(id) / "events.jsonl")) << "it worked unwatched";
}

TEST_F(PodLimitsTest, AKilledWatchdogIsCalledAgain) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    const QList<qint64> before = watchdogs(id);
    ASSERT_EQ(before.size(), 1);
    ::kill(static_cast<pid_t>(before.first()), SIGKILL);
    EXPECT_TRUE(QTest::qWaitFor(
        [&] {
            const QList<qint64> now = watchdogs(id);
            return now.size() == 1 && now != before;
        },
        kPatience));
    go(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
}

TEST_F(PodLimitsTest, TheWatchdogEndsItWhenTheLaptopIsGone) {
    const QString id = play(u"stall"_s);
    ASSERT_TRUE(reaches(id, u"running"_s));
    ASSERT_TRUE(QTest::qWaitFor([&] { return !watchdogs(id).isEmpty(); }, kPatience));
    closeStudio();
    runpod_.advance(3600 * 5 / 0.46);
    EXPECT_TRUE(QTest::qWaitFor([&] { return runpod_.costly().empty(); }, kPatience));
    EXPECT_FALSE(JobFolder(there(id)).workerAlive());
    openStudio();
    expectFailure(id, u"Resume"_s);
}

TEST_F(PodLimitsTest, AResumeGivesAStoppedPodBackAndRentsAnother) {
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    loseStoppedPod(id);
    server_.start();
    go(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 2);
    EXPECT_EQ(runpod_.mostAtOnce(), 1);
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodLimitsTest, AResumeWaitsNotForEverForThePodBefore) {
    podJobs().setEndingPatience(std::chrono::milliseconds(500));
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    runpod_.cause({.verb = "DELETE", .path = ".*", .times = 100'000, .status = 500});
    loseStoppedPod(id);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(jobs().job(id).code, u"pod.ending"_s);
    EXPECT_TRUE(message(id).contains(u"Resume"_s)) << message(id).toStdString();
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 1);
}

TEST_F(PodLimitsTest, OnlyThePodThatIsAskedIsUsed) {
    PodOrder wish = order();
    wish.idleMinutes = 0.3; // 18 s: the watchdog's, too, and it starts in the meantime
    const auto stall = [&](int port) {
        const QString id =
            podJobs().start({u"serve"_s, u"Played"_s, {u"stall"_s}, {}, {}, {}}, wish);
        Q_EMIT jobs().serverReached(id, port, {}); // as if it served there
        return id;
    };
    const QString used = stall(4001);
    const QString unused = stall(4002);
    QTimer answers; // the words of a long answer
    QObject::connect(&answers, &QTimer::timeout, &jobs(),
                     [this] { podJobs().noteUse(QUrl(u"http://127.0.0.1:4001"_s)); });
    answers.start(100);
    ASSERT_TRUE(reaches(used, u"running"_s));
    ASSERT_TRUE(reaches(unused, u"failed"_s));
    EXPECT_EQ(jobs().job(unused).code, u"pod.idle"_s);
    EXPECT_EQ(jobs().job(used).phase, u"running"_s);
    answers.stop();
    ASSERT_TRUE(reaches(used, u"failed"_s));
    EXPECT_EQ(jobs().job(used).code, u"pod.idle"_s);
}

TEST_F(PodLimitsTest, AServerThatIsStoppedAsIdleSaysSo) {
    const caldera::test::TinyModel tiny;
    podJobs().setBundle(bundle(false));
    const QString id = podJobs().start(
        {u"serve"_s,
         u"serve"_s,
         {u"serve"_s, QString::fromStdString(tiny.folder().string()), u"--port"_s, u"0"_s},
         {},
         {},
         {}},
        order());
    ASSERT_TRUE(reaches(id, u"running"_s));
    rental(id)->stop(PodStopReason::Idle);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(jobs().job(id).code, u"pod.idle"_s);
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodLimitsTest, ASetUpThatTakesLongIsNotIdle) {
    // The worker needs longer to be installed than a pod may be idle.
    podJobs().setBundle(packSmallBundle(
        server_.folder(), u"slow"_s,
        u"test \"$1\" != --version || test -e '%1/slept' || { : >'%1/slept'; sleep 27; }; "
        "CALDERA_WORKER='" FAKE_WORKER "'"_s.arg(server_.folder())));
    PodOrder wish = order();
    wish.idleMinutes = 0.4; // 24 s
    const QString id =
        podJobs().start({u"compress"_s, u"Played"_s, {u"cells"_s}, {}, {}, {}}, wish);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_TRUE(podsAreGone());
}

TEST_F(PodLimitsTest, TheCapEndsTheJobAndSaysSo) {
    const QString id = play(u"stall"_s);
    ASSERT_TRUE(reaches(id, u"running"_s));
    runpod_.advance(3600 * 5 / 0.46);
    expectFailure(id, u"Resume"_s); // the studio ends it, or the watchdog, whoever looks first
    EXPECT_NEAR(runpod_.spent(), 5, 0.2) << "real seconds count as well";
    jobs().resume(id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return message(id).contains(u"Raise"_s); }, kPatience));
    EXPECT_EQ(runpod_.count("POST /v2/pods"), 1);
}

} // namespace caldera::studio
