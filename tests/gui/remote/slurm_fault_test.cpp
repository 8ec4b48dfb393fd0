// Whatever happens to a cluster while a compression runs there: it ends with the same artifact, or
// says why it stopped, and then Resume ends with it. fault_seeds.h says which runs the test makes.
#include <csignal>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/gui/remote/fault_seeds.h"
#include "tests/gui/remote/slurm_service.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 300'000;
constexpr int kLongestBefore = 12'000; // ms until the first fault: tasks wait before they work
constexpr int kMostResumes = 12;
constexpr int kNudgeEvery = 5000; // ms

class SlurmFaultTest : public SlurmServiceTest {
protected:
    SlurmFaultTest() : SlurmServiceTest(kPatience) {}
    void SetUp() override {
        Plan plan = defaultPlan(model_.string(), openModel(model_)->config);
        plan.skipLayers = {"model.layers.[1-6].*"};
        plan.calibration.tokens = 1024;
        savePlan(plan, planFile());
        hash_ = hashFromHere(model_, planFile());
        makeService();
        awaitService();
    }
    fs::path planFile() const { return fs::path(root_.path().toStdString()) / "plan.yaml"; }
    QString begin(int shards) {
        Target target = server_.target();
        target.kind = TargetKind::Slurm;
        target.name = u"cluster"_s;
        target.slurm.shards = shards;
        return service_->start(
            {u"compress"_s,
             u"Broken"_s,
             {u"compress"_s, QString::fromStdString(model_.string()), u"--plan"_s,
              u"{job}/plan.yaml"_s, u"--threads"_s, u"1"_s},
             target,
             {},
             {{u"plan.yaml"_s, QByteArray::fromStdString(readTextFile(planFile()))}}});
    }
    /// The numbers of its tasks; none before it is submitted.
    QStringList numbers(const QString& id) const {
        const fs::path ids = there(id) / "slurm/ids";
        return fs::exists(ids) ? QString::fromStdString(readTextFile(ids)).simplified().split(u' ')
                               : QStringList();
    }
    std::string breakSomething(std::mt19937& random, const QString& id) {
        const auto pause = static_cast<int>(random() % 2000);
        switch (random() % 6) {
        case 0:
            slurm_->restart(u"slurmd"_s, pause);
            return "slurmd killed";
        case 1:
            slurm_->restart(u"slurmctld"_s, pause);
            return "slurmctld killed";
        case 2:
            server_.dropSessions();
            return "sessions dropped";
        case 3:
            slurm_->run(u"scancel"_s, numbers(id));
            return "tasks taken out of the queue";
        case 4:
            slurm_->run(u"scontrol"_s, {u"requeue"_s, numbers(id).value(0)});
            return "pre-empted";
        default:
            for (const qint64 process : processesWith({"--job", id.toUtf8(), "compress"}))
                ::kill(static_cast<pid_t>(process), SIGKILL);
            return "worker killed";
        }
    }
    /// Resumes whatever stopped, which must have said why.
    void expectSame(const QString& id) {
        const auto isOver = [&] {
            const JobSummary job = service_->job(id);
            return !job.active() || job.phase == "lost"_L1;
        };
        for (int resumes = 0; service_->job(id).phase != "done"_L1;) {
            ASSERT_LE(resumes, kMostResumes);
            if (!QTest::qWaitFor(isOver, kNudgeEvery)) {
                // By itself the scheduler lets what was pre-empted wait for two minutes.
                for (const QString& number : numbers(id))
                    slurm_->run(u"scontrol"_s,
                                {u"update"_s, "JobId="_L1 + number, u"StartTime=now"_s});
                // A controller that comes back and finds a task launched twice drains the node,
                // until an administrator has looked at it.
                slurm_->run(u"scontrol"_s, {u"update"_s, u"NodeName=ALL"_s, u"State=RESUME"_s});
                ASSERT_LT(clock_.elapsed(), kPatience) << service_->job(id).phase.toStdString();
                continue;
            }
            const JobSummary job = service_->job(id);
            if (job.phase == "done"_L1)
                break;
            EXPECT_TRUE(job.phase == "cancelled"_L1 || !job.message.isEmpty())
                << job.phase.toStdString() << " without a word";
            told_ += job.phase.toStdString() + ": " + job.message.toStdString() + "\n";
            ++resumes;
            service_->resume(id);
            if (!QTest::qWaitFor([&] { return !isOver(); }, kNudgeEvery))
                told_ += "it stopped again at once\n";
        }
        EXPECT_EQ(
            Artifact::open(fs::path(root_.path().toStdString()) / id.toStdString() / "out")->hash(),
            hash_);
        EXPECT_TRUE(QTest::qWaitFor(
            [&] {
                return slurm_->run(u"squeue"_s, {u"-h"_s}).isEmpty() &&
                       processesWith({"--job", id.toUtf8()}).isEmpty();
            },
            kPatience))
            << "something is left on the cluster";
    }

    const fs::path model_ = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    std::string hash_;
    std::string told_;
    QElapsedTimer clock_;
};

TEST_F(SlurmFaultTest, EveryRunEndsWithTheSameArtifact) {
    for (const unsigned seed : faultSeeds({1, 2, 3})) {
        std::mt19937 random(seed);
        told_.clear();
        clock_.start();
        const QString id = begin(seed % 2 == 0 ? 2 : 1);
        const std::string faults =
            breakAtTimes(random, kLongestBefore, [&] { return breakSomething(random, id); });
        SCOPED_TRACE(faultTrace(seed, faults));
        expectSame(id);
        tellRun(seed, faults + "\n" + told_, HasFailure());
        if (HasFailure())
            return;
    }
}

} // namespace
} // namespace caldera::studio
