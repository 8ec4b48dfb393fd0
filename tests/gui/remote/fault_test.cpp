// Whatever is killed or broken while a job runs elsewhere: it ends with the same artifact, every
// event is here once, and no process is left. fault_seeds.h says which runs a test makes.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include <QDir>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/job/event.h"
#include "core/job/job_folder.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/gui/remote/fault_seeds.h"
#include "tests/gui/remote/faulty_proxy.h"
#include "tests/gui/remote/loopback_sshd.h"
#include "widgets/remote/remote_record.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 240'000;
constexpr int kLongestBefore = 5000; // ms until the first fault

/// Clocks of the host and of the studio that can be set while programs run, by libfaketime; what
/// waits for a time to pass (the monotonic clock) is not touched, as when somebody sets a clock.
class PlayedClock {
public:
    PlayedClock() { jump(0); }
    void jump(int seconds) const {
        writeFileAtomically(file().toStdString(),
                            (seconds < 0 ? "" : "+") + std::to_string(seconds));
    }
    QByteArrayList variables() const {
        return {"LD_PRELOAD=" + kLibrary, "FAKETIME_TIMESTAMP_FILE=" + file().toUtf8(),
                "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1"};
    }
    static bool isThere() { return QFile::exists(QString::fromUtf8(kLibrary)); }

private:
    static inline const QByteArray kLibrary =
        "/usr/lib/" CALDERA_ARCHITECTURE "/faketime/libfaketimeMT.so.1";
    QString file() const { return folder_.filePath(u"clock"_s); }
    QTemporaryDir folder_;
};

class FaultTest : public ::testing::Test {
protected:
    FaultTest() : server_(clock_.variables()), proxy_(server_.port()) {}

    void SetUp() override {
        ASSERT_TRUE(PlayedClock::isThere()) << "install libfaketime";
        Plan plan = defaultPlan(model_.string(), openModel(model_)->config);
        plan.skipLayers = {"model.layers.[2-7].*"};
        plan.calibration.tokens = 1024;
        savePlan(plan, path("plan.yaml"));
        QProcess whole;
        whole.start(QStringLiteral(CALDERA_PROGRAM),
                    arguments(path("plan.yaml").string()) +
                        QStringList{u"--out"_s, out(path("whole"))});
        ASSERT_TRUE(whole.waitForFinished(kPatience));
        hash_ = Artifact::open(path("whole"))->hash();
    }
    fs::path path(const std::string& name) const {
        return fs::path(server_.folder().toStdString()) / name;
    }
    static QString out(const fs::path& place) { return QString::fromStdString(place.string()); }
    QStringList arguments(const std::string& plan) const {
        return {u"compress"_s, out(model_), u"--plan"_s, out(plan), u"--threads"_s, u"1"_s};
    }
    /// A job folder as the studio leaves it before it connects.
    JobFolder makeJob(const fs::path& root) const {
        JobSpec spec;
        spec.kind = "compress";
        for (const QString& word : arguments("{job}/plan.yaml"))
            spec.arguments.push_back(word.toStdString());
        JobFolder folder = JobFolder::create(root, spec);
        fs::copy_file(path("plan.yaml"), folder.path() / "plan.yaml");
        Target target = server_.target();
        target.ssh.port = proxy_.port();
        writeRemoteRecord(folder.path(), {target, {}, {u"plan.yaml"_s}, {}, false, false});
        return folder;
    }
    void startStudio(const fs::path& root) {
        studio_ = std::make_unique<QProcess>();
        studio_->setStandardErrorFile(out(path("studio.log")), QIODevice::Append);
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        for (const QByteArray& variable : clock_.variables()) {
            const qsizetype sign = variable.indexOf('=');
            environment.insert(QString::fromUtf8(variable.left(sign)),
                               QString::fromUtf8(variable.mid(sign + 1)));
        }
        studio_->setProcessEnvironment(environment);
        studio_->start(QStringLiteral(FOLLOWER), {out(root)});
        ASSERT_TRUE(studio_->waitForStarted());
    }
    void killStudio() {
        studio_->kill();
        studio_->waitForFinished();
    }
    static void kill(const QList<qint64>& processes) {
        for (const qint64 process : processes)
            ::kill(static_cast<pid_t>(process), SIGKILL);
    }
    std::string breakSomething(std::mt19937& random, const fs::path& root) {
        switch (random() % 7) {
        case 0:
            kill(processesWith(
                {QByteArray("--job\0", 6) + QByteArray::fromStdString(path("jobs").string())}));
            return "worker killed";
        case 1:
            kill(childrenOf(studio_->processId()));
            return "ssh and rsync killed";
        case 2:
            killStudio();
            QTest::qWait(static_cast<int>(random() % 2000));
            startStudio(root);
            return "studio killed";
        case 3:
            proxy_.drop();
            return "network dropped";
        case 4:
            proxy_.stall(true);
            QTest::qWait(static_cast<int>(500 + random() % 3000));
            proxy_.stall(false);
            return "network stalled";
        case 5: {
            constexpr int kDays = 10 * 24 * 3600;
            const int seconds = static_cast<int>(random() % (2 * kDays)) - kDays;
            clock_.jump(seconds);
            return "clock off by " + std::to_string(seconds) + " s";
        }
        default:
            proxy_.corrupt();
            return "byte corrupted";
        }
    }
    void breakRuns(const std::vector<unsigned>& seeds);
    void expectWhole(const JobFolder& folder) {
        const bool isDone = QTest::qWaitFor(
            [&] {
                const JobState state = folder.state();
                const bool isResumed = state.code == "remote.start"; // by the follower
                return state.phase == "done" || state.phase == "cancelled" ||
                       (state.phase == "failed" && !isResumed);
            },
            kPatience);
        ASSERT_TRUE(isDone) << folder.state().phase << ": " << folder.state().message;
        ASSERT_EQ(folder.state().phase, "done") << folder.state().message;
        EXPECT_EQ(Artifact::open(folder.out())->hash(), hash_);
        const fs::path there = path("jobs") / folder.path().filename();
        EXPECT_EQ(readTextFile(folder.events()), readTextFile(there / "events.jsonl"));
        int64_t next = 0;
        for (const Event& event : EventReader(folder.events()).poll())
            ASSERT_EQ(event.seq, next++);
    }

    const fs::path model_ = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    PlayedClock clock_;
    LoopbackSshd server_;
    FaultyProxy proxy_;
    std::unique_ptr<QProcess> studio_;
    std::string hash_;
};

void FaultTest::breakRuns(const std::vector<unsigned>& seeds) {
    for (const unsigned seed : seeds) {
        std::mt19937 random(seed);
        const fs::path root = path("studio-" + std::to_string(seed));
        const JobFolder folder = makeJob(root);
        startStudio(root);
        const std::string faults =
            breakAtTimes(random, kLongestBefore, [&] { return breakSomething(random, root); });
        SCOPED_TRACE(faultTrace(seed, faults));
        expectWhole(folder);
        const QList<qint64> ours = childrenOf(studio_->processId());
        killStudio();
        EXPECT_TRUE(QTest::qWaitFor(
            [&] {
                const QByteArray id = QByteArray::fromStdString(folder.path().filename().string());
                return processesWith({id}).isEmpty() &&
                       std::none_of(ours.begin(), ours.end(), [](qint64 process) {
                           return fs::exists("/proc/" + std::to_string(process));
                       });
            },
            kPatience))
            << "a process is left";
        tellRun(seed, faults, HasFailure());
        if (HasFailure())
            return;
    }
}

// In halves: each ends within the time that a test has, also on a busy machine. Every kind of fault
// is in each.
TEST_F(FaultTest, EveryRunEndsWithTheSameArtifact) {
    breakRuns(faultSeeds({1, 3, 20, 11, 10}));
}

TEST_F(FaultTest, EveryFurtherRunDoesToo) {
    breakRuns(faultSeeds({7, 8, 32, 24, 36}));
}

} // namespace
} // namespace caldera::studio
