// Whatever is killed or broken while a job works on a rented pod: it ends with the same artifact,
// there was never a second pod, and nothing is left that costs money. fault_seeds.h says which runs
// it makes.
#include <csignal>
#include <random>

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/gui/remote/fault_seeds.h"
#include "tests/gui/remote/pod_world.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace fs = std::filesystem;

namespace {

constexpr int kPatience = 240'000;
constexpr int kLongestBefore = 6000; // ms until the first fault

class PodFaultTest : public PodWorld {
protected:
    PodFaultTest() : PodWorld(kPatience) {}

    void SetUp() override {
        PodWorld::SetUp();
        closeStudio(); // the one of these tests is a process of its own
        bundle_ = bundle(false);
        Plan plan = defaultPlan(model_.string(), openModel(model_)->config);
        plan.skipLayers = {"model.layers.[2-7].*"};
        plan.calibration.tokens = 1024;
        savePlan(plan, path("plan.yaml"));
        QProcess whole;
        whole.start(QStringLiteral(CALDERA_PROGRAM),
                    arguments(text(path("plan.yaml"))) +
                        QStringList{u"--out"_s, text(path("whole"))});
        ASSERT_TRUE(whole.waitForFinished(kPatience));
        hash_ = Artifact::open(path("whole"))->hash();
    }
    fs::path path(const std::string& name) const {
        return fs::path(server_.folder().toStdString()) / name;
    }
    static QString text(const fs::path& place) { return QString::fromStdString(place.string()); }
    QStringList arguments(const QString& plan) const {
        return {u"compress"_s, text(model_), u"--plan"_s, plan, u"--threads"_s, u"1"_s};
    }

    void startStudio(const fs::path& root) {
        const QJsonObject json{
            {u"root"_s, text(root)},
            {u"api"_s, watch_.api},
            {u"key"_s, QString::fromUtf8(watch_.key)},
            {u"sha256"_s, bundle_.sha256},
            {u"archive"_s, bundle_.archive},
            {u"volume"_s, volume()},
            {u"arguments"_s, QJsonArray::fromStringList(arguments(u"{job}/plan.yaml"_s))},
            {u"plan"_s, QString::fromStdString(readTextFile(path("plan.yaml")))}};
        studioProcess_ = std::make_unique<QProcess>();
        studioProcess_->setStandardErrorFile(text(path("studio.log")), QIODevice::Append);
        studioProcess_->start(QStringLiteral(POD_STUDIO), QStringList());
        ASSERT_TRUE(studioProcess_->waitForStarted());
        studioProcess_->write(QJsonDocument(json).toJson());
        studioProcess_->closeWriteChannel();
    }
    void killStudio() {
        studioProcess_->kill();
        studioProcess_->waitForFinished();
    }
    /// The only job under the root; nothing before there is one.
    static std::optional<JobFolder> job(const fs::path& root) {
        const std::vector<JobFolder> all = listJobs(root / "jobs");
        return all.empty() ? std::nullopt : std::optional(all.front());
    }
    static QString idOf(const fs::path& root) {
        const auto folder = job(root);
        return folder ? text(folder->path().filename()) : u"no-job-yet"_s;
    }
    static void kill(const QList<qint64>& processes) {
        for (const qint64 process : processes)
            ::kill(static_cast<pid_t>(process), SIGKILL);
    }

    std::string breakSomething(std::mt19937& random, const fs::path& root) {
        const QString id = idOf(root);
        switch (random() % 8) {
        case 0:
            kill(processesWith({"--job", id.toUtf8()}));
            return "worker killed";
        case 1:
            kill(watchdogs(id));
            return "watchdog killed";
        case 2:
            server_.dropSessions();
            return "sessions dropped";
        case 3:
            runpod_.cause({.verb = "GET", .path = "/v2/pods.*", .times = 5, .status = 500});
            return "provider down";
        case 4:
            runpod_.cause({.verb = "POST", .path = "/v2/pods", .dropAnswer = true});
            return "answer lost";
        case 5:
            for (const std::string& pod : runpod_.costly())
                runpod_.setStatus(pod, "TERMINATED");
            destroyMachine(id);
            return "pod died";
        default:
            killStudio();
            QTest::qWait(static_cast<int>(random() % 2000));
            startStudio(root);
            return "studio killed";
        }
    }

    void expectWhole(const fs::path& root) {
        const bool isDone = QTest::qWaitFor(
            [&] {
                const auto folder = job(root);
                return folder && folder->state().phase == "done";
            },
            kPatience);
        const JobState state = job(root) ? job(root)->state() : JobState();
        ASSERT_TRUE(isDone) << state.phase << ", " << state.stage << ": " << state.message;
        const JobFolder folder = *job(root);
        EXPECT_EQ(Artifact::open(folder.out())->hash(), hash_);
        const std::string events = readTextFile(there(idOf(root)) / "events.jsonl");
        EXPECT_TRUE(readTextFile(folder.events()) == events);
        EXPECT_TRUE(podsAreGone());
        EXPECT_LE(runpod_.mostAtOnce(), 1);
    }

    const fs::path model_ = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    std::unique_ptr<QProcess> studioProcess_;
    std::string hash_;
};

} // namespace

TEST_F(PodFaultTest, EveryRunEndsWithTheSameArtifactAndWithoutAPod) {
    for (const unsigned seed : faultSeeds({25, 39})) {
        std::mt19937 random(seed);
        const fs::path root = path("studio-" + std::to_string(seed));
        startStudio(root);
        const std::string faults =
            breakAtTimes(random, kLongestBefore, [&] { return breakSomething(random, root); });
        SCOPED_TRACE(faultTrace(seed, faults));
        expectWhole(root);
        const QByteArray id = idOf(root).toUtf8();
        killStudio();
        EXPECT_TRUE(QTest::qWaitFor([&] { return processesWith({id}).isEmpty(); }, kPatience))
            << "a process is left";
        tellRun(seed, faults, HasFailure());
        if (HasFailure())
            return;
    }
}

} // namespace caldera::studio
