#include "widgets/jobs/job_service.h"

#include <csignal>
#include <memory>
#include <unistd.h>

#include <QFile>
#include <QMap>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "core/job/job_folder.h"
#include "widgets/jobs/surprise.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 20000;

/// A service on a folder of its own, and every event it has told.
class JobServiceTest : public ::testing::Test {
protected:
    void open(const QString& worker = QStringLiteral(FAKE_WORKER)) {
        service_.reset();
        seqs_.clear();
        service_ = std::make_unique<JobService>(root_.path(), worker);
        QObject::connect(service_.get(), &JobService::jobEvent, service_.get(),
                         [this](const QString& id, const QJsonObject& event) {
                             seqs_[id].append(event["seq"_L1].toInt());
                             last_[id] = event;
                             if (event["event"_L1].toString() == "hello"_L1)
                                 pid_ = event["pid"_L1].toInt();
                         });
        ASSERT_TRUE(QTest::qWaitFor([this] { return service_->ready(); }, kPatience));
    }
    bool reaches(const QString& id, const QString& phase) {
        return QTest::qWaitFor([&] { return service_->job(id).phase == phase; }, kPatience);
    }
    bool hasCells(const QString& id, qsizetype count) {
        return QTest::qWaitFor([&] { return service_->history(id).cells().size() >= count; },
                               kPatience);
    }
    void expectNoGaps(const QString& id) const {
        const QList<int> seqs = seqs_.value(id);
        ASSERT_FALSE(seqs.isEmpty());
        for (int i = 0; i < seqs.size(); ++i)
            ASSERT_EQ(seqs[i], i);
    }
    QString startJob(const QString& scenario) {
        return service_->start(u"compress"_s, u"Compress "_s + scenario, {scenario});
    }

    QTemporaryDir root_;
    std::unique_ptr<JobService> service_;
    QMap<QString, QList<int>> seqs_;
    QMap<QString, QJsonObject> last_;
    int pid_ = 0;
};

TEST_F(JobServiceTest, TellsEveryEventOnceAndInOrder) {
    open();
    const QString id = startJob(u"cells"_s);
    EXPECT_EQ(service_->job(id).phase, u"queued"_s);
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectNoGaps(id);
    EXPECT_EQ(last_[id]["event"_L1].toString(), u"end"_s);
    EXPECT_EQ(service_->history(id).cells().size(), 21);
    EXPECT_EQ(service_->history(id).artifact(), service_->job(id).outFolder);
    EXPECT_EQ(service_->history(id).artifactHash(), u"abc123"_s);
    EXPECT_TRUE(service_->running().isEmpty());
}

TEST_F(JobServiceTest, GivesTheWorkerASessionOfItsOwn) {
    open();
    const QString id = startJob(u"stall"_s);
    ASSERT_TRUE(QTest::qWaitFor([this] { return pid_ != 0; }, kPatience));
    EXPECT_GT(::getsid(pid_), 0);
    EXPECT_NE(::getsid(pid_), ::getsid(0));
    service_->cancel(id);
    EXPECT_TRUE(reaches(id, u"cancelled"_s));
}

TEST_F(JobServiceTest, FindsARunningJobAgainWithoutLosingOrDoublingALine) {
    open();
    const QString id = startJob(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    service_.reset();
    open();
    ASSERT_TRUE(hasCells(id, 20));
    EXPECT_TRUE(service_->job(id).active());
    EXPECT_EQ(service_->running().size(), 1);
    QFile go(service_->job(id).folder + "/go"_L1);
    ASSERT_TRUE(go.open(QIODevice::WriteOnly));
    go.close();
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectNoGaps(id);
    EXPECT_EQ(service_->history(id).cells().size(), 40);
}

TEST_F(JobServiceTest, FindsAJobThatEndedMeanwhile) {
    open();
    const QString id = startJob(u"cells"_s);
    ASSERT_TRUE(QTest::qWaitFor([this] { return pid_ != 0; }, kPatience));
    service_.reset();
    const JobFolder folder(std::filesystem::path((root_.path() + u'/' + id).toStdString()));
    ASSERT_TRUE(QTest::qWaitFor([&] { return folder.state().phase == "done"; }, kPatience));
    open();
    EXPECT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(service_->job(id).title, u"Compress cells"_s);
    EXPECT_EQ(service_->job(id).arguments, QStringList{u"cells"_s});
    EXPECT_TRUE(hasCells(id, 21));
    expectNoGaps(id);
}

TEST_F(JobServiceTest, CallsAJobLostWhenItsWorkerDiesWithoutAWord) {
    open();
    const QString id = startJob(u"crash"_s);
    ASSERT_TRUE(reaches(id, u"lost"_s));
    EXPECT_EQ(service_->history(id).cells().size(), 3);
    service_.reset();
    open();
    EXPECT_TRUE(reaches(id, u"lost"_s));
}

TEST_F(JobServiceTest, ResumesALostJobInItsFolder) {
    open();
    const QString id = startJob(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    ASSERT_EQ(::kill(pid_, SIGKILL), 0);
    ASSERT_TRUE(reaches(id, u"lost"_s));
    QFile go(service_->job(id).folder + "/go"_L1);
    ASSERT_TRUE(go.open(QIODevice::WriteOnly));
    go.close();
    service_->resume(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    expectNoGaps(id);
    EXPECT_EQ(service_->history(id).cells().size(), 40);
}

TEST_F(JobServiceTest, CancelsThroughTheControlFile) {
    open();
    const QString id = startJob(u"stall"_s);
    ASSERT_TRUE(reaches(id, u"running"_s));
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_TRUE(service_->running().isEmpty());
}

TEST_F(JobServiceTest, ShowsTheSentenceOfAFailedJob) {
    open();
    const QString id = startJob(u"fail"_s);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(service_->job(id).message, u"There is no model."_s);
    EXPECT_EQ(service_->job(id).code, u"model.missing"_s);
}

TEST_F(JobServiceTest, FailsAJobWhoseWorkerEndsBeforeItBegins) {
    open();
    const QString refused = startJob(u"refuse"_s);
    ASSERT_TRUE(reaches(refused, u"failed"_s));
    EXPECT_EQ(service_->job(refused).message,
              u"--plan: file does not exist. Name one that does."_s);
    const QString silent = startJob(u"silent"_s);
    ASSERT_TRUE(reaches(silent, u"failed"_s));
    EXPECT_TRUE(service_->job(silent).message.contains("left no message"_L1));
}

TEST_F(JobServiceTest, FailsAJobWhoseWorkerCannotBeStarted) {
    open(root_.path() + "/no-such-program"_L1);
    const QString id = startJob(u"cells"_s);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_TRUE(service_->job(id).message.contains("no-such-program"_L1))
        << service_->job(id).message.toStdString();
    EXPECT_TRUE(service_->job(id).message.contains("CALDERA_WORKER"_L1));
}

TEST_F(JobServiceTest, FailsAJobWhoseFolderCannotBeMade) {
    QFile blocked(root_.path() + "/file"_L1);
    ASSERT_TRUE(blocked.open(QIODevice::WriteOnly));
    JobService service(blocked.fileName(), QStringLiteral(FAKE_WORKER));
    const QString id = service.start(u"compress"_s, u"Nowhere"_s, {u"cells"_s});
    ASSERT_TRUE(QTest::qWaitFor([&] { return service.job(id).phase == "failed"_L1; }, kPatience));
    EXPECT_FALSE(service.job(id).message.isEmpty());
}

TEST_F(JobServiceTest, SeesJobsThatOthersStart) {
    open();
    JobSpec spec;
    spec.kind = "evaluate";
    spec.title = "From a terminal";
    const JobFolder folder =
        JobFolder::create(std::filesystem::path(root_.path().toStdString()), spec);
    const QString id = QString::fromStdString(folder.spec().id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return !service_->job(id).id.isEmpty(); }, kPatience));
    EXPECT_EQ(service_->job(id).title, u"From a terminal"_s);
    EXPECT_EQ(service_->job(id).phase, u"queued"_s);
}

TEST_F(JobServiceTest, SaysOnceThatEventsCannotBeRead) {
    open();
    QStringList sentences;
    QObject::connect(service_.get(), &JobService::requestFailed, service_.get(),
                     [&](const QString&, const QString& text) { sentences.append(text); });
    JobSpec spec;
    spec.kind = "compress";
    const JobFolder folder = JobFolder::create(root_.path().toStdString(), spec);
    // A file with a size, which not even its owner may read.
    std::filesystem::create_symlink("/sys/bus/platform/drivers_probe", folder.events());
    ASSERT_TRUE(QTest::qWaitFor([&] { return !sentences.isEmpty(); }, kPatience));
    QTest::qWait(600); // three looks
    EXPECT_EQ(sentences.size(), 1) << sentences.join(u'\n').toStdString();
}

TEST_F(JobServiceTest, ListsTheNewestFirst) {
    open();
    const QString first = startJob(u"cells"_s);
    QTest::qWait(5);
    const QString second = startJob(u"cells"_s);
    ASSERT_EQ(service_->jobs().size(), 2);
    EXPECT_EQ(service_->jobs()[0].id, second);
    EXPECT_EQ(service_->jobs()[1].id, first);
    EXPECT_TRUE(reaches(first, u"done"_s));
    EXPECT_TRUE(reaches(second, u"done"_s));
}

TEST_F(JobServiceTest, KeepsARequestThatIsMadeJustBeforeItCloses) {
    open();
    const QString id = startJob(u"cells"_s);
    service_.reset();
    const JobFolder folder(std::filesystem::path((root_.path() + u'/' + id).toStdString()));
    EXPECT_TRUE(QTest::qWaitFor([&] { return folder.state().phase == "done"; }, kPatience));
}

TEST_F(JobServiceTest, KnowsWhatThePlanPromisedAlsoAfterARestart) {
    open();
    const std::map<Cell, ExpectedError> promised{
        {{0, Module::QProj}, {0.001, 0.001, 0.002, ErrorOrigin::Measured}}};
    JobRequest request;
    request.kind = u"compress"_s;
    request.title = u"Promised"_s;
    request.arguments = {u"cells"_s};
    request.files = {{kExpectedName, QByteArray::fromStdString(expectedText(promised))}};
    const QString id = service_->start(request);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(surprisesOf(service_->history(id)).size(), 1);
    open();
    ASSERT_TRUE(hasCells(id, 21));
    EXPECT_EQ(surprisesOf(service_->history(id)).size(), 1);
}

TEST_F(JobServiceTest, RevisesOnlyWhatIsNotOver) {
    open();
    QString problem;
    QObject::connect(service_.get(), &JobService::requestFailed, service_.get(),
                     [&](const QString&, const QString& sentence) { problem = sentence; });
    const QString id = startJob(u"stall"_s);
    ASSERT_TRUE(reaches(id, u"running"_s));
    service_->revise(id, "format: caldera-plan/1\n", {});
    const QString plan = service_->folderOf(id) + u"/plan.yaml"_s;
    ASSERT_TRUE(QTest::qWaitFor([&] { return QFile::exists(plan); }, kPatience));
    EXPECT_TRUE(problem.isEmpty());
    const QString over = startJob(u"cells"_s);
    ASSERT_TRUE(reaches(over, u"done"_s));
    service_->revise(over, "format: caldera-plan/1\n", {});
    ASSERT_TRUE(QTest::qWaitFor([&] { return !problem.isEmpty(); }, kPatience));
    EXPECT_FALSE(QFile::exists(service_->folderOf(over) + u"/plan.yaml"_s));
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s)); // or its worker outlives the test
}

} // namespace
} // namespace caldera::studio
