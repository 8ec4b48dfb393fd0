#include "widgets/runs/runs_view.h"

#include <algorithm>

#include <QApplication>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTextDocument>

#include <gtest/gtest.h>

#include "core/job/job_folder.h"
#include "widgets/runs/job_details.h"
#include "widgets/runs/job_log.h"
#include "widgets/runs/jobs_model.h"
#include "widgets/runs/phase_look.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 20000;

class RunsViewTest : public ::testing::Test {
protected:
    RunsViewTest() : service_(root_.path(), QStringLiteral(FAKE_WORKER)), view_(service_) {
        view_.resize(1280, 760);
        view_.show();
    }
    QString startJob(const QString& scenario) {
        const QString id = service_.start(u"compress"_s, u"Compress demo"_s, {scenario});
        view_.selectJob(id);
        return id;
    }
    bool reaches(const QString& id, const QString& phase) {
        return QTest::qWaitFor(
            [&] {
                const int row = view_.model()->rowOf(id);
                return row >= 0 && view_.model()
                                           ->index(row, JobsModel::State)
                                           .data(JobsModel::PhaseRole)
                                           .toString() == phase;
            },
            kPatience);
    }
    QPushButton* button(const QString& text) const {
        for (QPushButton* each : view_.details()->findChildren<QPushButton*>()) {
            if (each->text() == text && each->isVisible())
                return each;
        }
        return nullptr;
    }

    QTemporaryDir root_;
    JobService service_;
    RunsView view_;
};

TEST_F(RunsViewTest, OffersAnActionWhileThereAreNoJobs) {
    QSignalSpy asked(&view_, &RunsView::compressRequested);
    QPushButton* action = nullptr;
    for (QPushButton* each : view_.findChildren<QPushButton*>()) {
        if (each->isVisible())
            action = each;
    }
    ASSERT_NE(action, nullptr);
    action->click();
    EXPECT_EQ(asked.count(), 1);
}

TEST_F(RunsViewTest, ListsTheCellsThatSurprise) {
    std::map<Cell, ExpectedError> promised;
    for (int layer = 0; layer < 3; ++layer) {
        promised[{layer, Module::UpProj}] = {1e-6, 1e-6, 2e-6, ErrorOrigin::Measured};
        promised[{layer, Module::DownProj}] = {0.5, 1e-9, 1e9, ErrorOrigin::Measured};
    }
    JobRequest request;
    request.kind = u"compress"_s;
    request.title = u"Surprising"_s;
    request.arguments = {u"cells"_s};
    request.files = {{kExpectedName, QByteArray::fromStdString(expectedText(promised))}};
    const QString id = service_.start(request);
    view_.selectJob(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    const ToneLabel* list = view_.details()->surprises();
    ASSERT_TRUE(QTest::qWaitFor([&] { return list->isVisible(); }, kPatience));
    EXPECT_TRUE(list->text().contains(u"3 cell"_s)) << list->text().toStdString();
    EXPECT_TRUE(list->text().contains(u"Layer 0, up_proj: worse than expected"_s))
        << list->text().toStdString();
    EXPECT_FALSE(list->text().contains(u"down_proj"_s));
}

TEST_F(RunsViewTest, LeadsFromAFinishedJobToItsResult) {
    const QString id = startJob(u"cells"_s);
    EXPECT_EQ(view_.selectedJob(), id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    ASSERT_TRUE(QTest::qWaitFor([this] { return button(u"Chat"_s) != nullptr; }, kPatience));
    QSignalSpy chat(&view_, &RunsView::chatRequested);
    QSignalSpy inspect(&view_, &RunsView::openArtifactRequested);
    button(u"Chat"_s)->click();
    button(u"Open in Inspect"_s)->click();
    ASSERT_EQ(chat.count(), 1);
    ASSERT_EQ(inspect.count(), 1);
    EXPECT_EQ(chat[0][0].toString(), service_.job(id).outFolder);
    EXPECT_EQ(button(u"Cancel"_s), nullptr);
}

TEST_F(RunsViewTest, CancelsTheSelectedJob) {
    const QString id = startJob(u"stall"_s);
    ASSERT_TRUE(reaches(id, u"running"_s));
    ASSERT_TRUE(QTest::qWaitFor([this] { return button(u"Cancel"_s) != nullptr; }, kPatience));
    button(u"Cancel"_s)->click();
    EXPECT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_TRUE(QTest::qWaitFor([this] { return button(u"Resume"_s) != nullptr; }, kPatience));
}

TEST_F(RunsViewTest, PauseAndResumeAreOneButtonThatKeepsPlaceAndFocus) {
    const QString id = startJob(u"endless"_s);
    ASSERT_TRUE(reaches(id, u"running"_s));
    const auto appears = [this](const QString& text) {
        return QTest::qWaitFor([&] { return button(text) != nullptr; }, kPatience);
    };
    const auto placeOf = [this](const QString& text) {
        QPushButton* found = button(text);
        return QRect(found->mapTo(&view_, QPoint()), found->size());
    };
    ASSERT_TRUE(appears(u"Pause"_s));
    const QRect steering = placeOf(u"Pause"_s);
    const QRect cancel = placeOf(u"Cancel"_s);
    view_.activateWindow();
    button(u"Pause"_s)->setFocus();
    for (const QString& next : {u"Resume"_s, u"Pause"_s}) {
        auto* focused = qobject_cast<QPushButton*>(QApplication::focusWidget());
        ASSERT_NE(focused, nullptr);
        QTest::keyClick(focused, Qt::Key_Space);
        ASSERT_TRUE(appears(next));
        EXPECT_EQ(QApplication::focusWidget(), button(next)) << "Space would do something else";
        EXPECT_EQ(placeOf(next), steering);
        EXPECT_EQ(placeOf(u"Cancel"_s), cancel);
    }
    QTest::keyClick(button(u"Cancel"_s), Qt::Key_Space);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    ASSERT_TRUE(appears(u"Resume"_s));
    EXPECT_EQ(placeOf(u"Resume"_s), steering) << "where Cancel stood a person may press again";
}

TEST_F(RunsViewTest, CountsTheSecondsToTheNextAttempt) {
    JobSummary job;
    job.phase = u"lost"_s;
    job.message = u"The connection broke."_s;
    job.code = u"remote.connection"_s;
    job.retryAt = QDateTime::currentDateTimeUtc().addSecs(3600);
    EXPECT_TRUE(phaseSentence(job).startsWith(u"The connection broke. Trying again in 3"_s))
        << phaseSentence(job).toStdString();
    job.retryAt = QDateTime::currentDateTimeUtc().addSecs(-1);
    job.isCancelling = true;
    EXPECT_EQ(phaseSentence(job), u"The connection broke. It is cancelled as soon as the host "
                                  "answers. Trying again now."_s);
}

TEST_F(RunsViewTest, OffersToCancelWhatIsOutOfReachForNow) {
    const auto isOffered = [this](const std::string& code) {
        JobSpec spec;
        spec.kind = "compress";
        JobState state;
        state.phase = "lost";
        state.code = code;
        const JobFolder folder = JobFolder::create(root_.path().toStdString(), spec);
        folder.writeState(state);
        const QString id = QString::fromStdString(folder.path().filename().string());
        EXPECT_TRUE(reaches(id, u"lost"_s));
        view_.selectJob(id);
        return button(u"Cancel"_s) != nullptr;
    };
    EXPECT_TRUE(isOffered("remote.connection"));
    EXPECT_FALSE(isOffered("")) << "its worker is gone";
}

TEST_F(RunsViewTest, AsksBeforeItForgetsAWorkerThatMayBeAtWorkElsewhere) {
    JobSpec spec;
    spec.kind = "compress";
    JobState state;
    state.phase = "lost";
    state.code = "remote.connection";
    const JobFolder folder = JobFolder::create(root_.path().toStdString(), spec);
    folder.writeState(state);
    const QString id = QString::fromStdString(folder.path().filename().string());
    ASSERT_TRUE(reaches(id, u"lost"_s));
    const auto press = [this, &id](const QString& text) {
        view_.remove(id);
        const auto* question = view_.findChild<QMessageBox*>();
        if (question == nullptr)
            return false;
        for (QAbstractButton* each : question->buttons()) {
            if (each->text() == text)
                each->click();
        }
        return QTest::qWaitFor([this] { return view_.findChild<QMessageBox*>() == nullptr; },
                               kPatience);
    };
    const QSignalSpy removed(&service_, &JobService::jobRemoved);
    const QSignalSpy failed(&service_, &JobService::requestFailed); // where there is no wastebasket
    const auto wasTried = [&] { return removed.count() + failed.count() > 0; };
    ASSERT_TRUE(press(u"Keep it"_s));
    EXPECT_FALSE(wasTried());
    ASSERT_TRUE(press(u"Remove it all the same"_s));
    EXPECT_TRUE(QTest::qWaitFor(wasTried, kPatience));
}

TEST_F(RunsViewTest, ShowsWhatAHostSaysAsItIs) {
    JobSpec spec;
    spec.kind = "compress";
    spec.title = "<b>title</b>";
    JobState state;
    state.phase = "failed";
    state.message = "<img src='/etc/hostname'><h1>Log in again";
    const JobFolder folder = JobFolder::create(root_.path().toStdString(), spec);
    folder.writeState(state);
    const QString id = QString::fromStdString(folder.path().filename().string());
    ASSERT_TRUE(reaches(id, u"failed"_s));
    view_.selectJob(id);
    int labels = 0;
    for (const QLabel* label : view_.findChildren<QLabel*>()) {
        if (Qt::mightBeRichText(label->text())) {
            ++labels;
            EXPECT_EQ(label->textFormat(), Qt::PlainText) << label->text().toStdString();
        }
    }
    EXPECT_GE(labels, 1);
    const QModelIndex row = view_.model()->index(view_.model()->rowOf(id), JobsModel::State);
    const QString toolTip = row.data(Qt::ToolTipRole).toString();
    EXPECT_TRUE(toolTip.contains(u"&lt;img"_s)) << toolTip.toStdString();
}

TEST_F(RunsViewTest, ShowsTheSentenceOfAFailure) {
    const QString id = startJob(u"fail"_s);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    const auto* banner = view_.details()->findChild<ErrorBanner*>();
    ASSERT_TRUE(QTest::qWaitFor([banner] { return banner->isVisible(); }, kPatience));
    EXPECT_EQ(banner->sentence(), u"There is no model."_s);
}

TEST_F(RunsViewTest, OffersToResumeAFailedJobOnce) {
    const QString id = startJob(u"fail"_s);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    ASSERT_TRUE(QTest::qWaitFor([this] { return button(u"Resume"_s) != nullptr; }, kPatience));
    const QList<QPushButton*> buttons = view_.details()->findChildren<QPushButton*>();
    EXPECT_EQ(std::ranges::count_if(buttons,
                                    [](const QPushButton* each) {
                                        return each->isVisible() && each->text() == u"Resume"_s;
                                    }),
              1);
}

TEST_F(RunsViewTest, FollowsTheLogAndSearchesIt) {
    const QString id = startJob(u"cells"_s);
    ASSERT_TRUE(reaches(id, u"done"_s));
    JobLog* log = view_.details()->log();
    ASSERT_TRUE(QTest::qWaitFor([log] { return log->text()->toPlainText().contains("cell 20"_L1); },
                                kPatience));
    EXPECT_EQ(log->text()->toPlainText().count("cell "_L1), 21);
    log->search()->setText(u"cell 1"_s);
    EXPECT_EQ(log->matchCount(), 11); // 1 and 10 to 19
    log->search()->setText(u"nowhere"_s);
    EXPECT_EQ(log->matchCount(), 0);
}

TEST(JobLog, AddsOnlyWhatIsNewAndStaysBounded) {
    JobLog log;
    JobHistory history;
    const auto say = [&history](int from, int until) {
        for (int i = from; i < until; ++i)
            history.apply(QJsonObject{{u"seq"_s, i},
                                      {u"event"_s, u"log"_s},
                                      {u"time"_s, u"2026-11-21T10:00:00Z"_s},
                                      {u"message"_s, u"line %1."_s.arg(i)}});
    };
    say(0, 10);
    log.show(u"a"_s, history);
    log.show(u"a"_s, history);
    EXPECT_EQ(log.text()->blockCount(), 10);
    say(10, 30000);
    log.show(u"a"_s, history);
    EXPECT_LE(log.text()->blockCount(), JobLog::kShownLines);
    EXPECT_TRUE(log.text()->toPlainText().endsWith("line 29999."_L1));
}

} // namespace
} // namespace caldera::studio
