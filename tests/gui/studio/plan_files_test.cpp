// Plans as documents: opened, saved, compared, and brought back after the studio was killed.
#include <QClipboard>
#include <QDir>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QMessageBox>
#include <QProcess>
#include <QPushButton>
#include <QTableView>

#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "app/studio/plan_actions.h"
#include "core/base/file.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/plan_view/difference_panel.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class PlanFilesTest : public StudioFixture {
protected:
    PlanActions& files() { return window().planActions(); }
    template <typename Claim>
    bool becomes(Claim claim) {
        return QTest::qWaitFor(claim, kPatience);
    }
    QString planFile(const QString& name, const std::string& text) {
        const QString path = root_.filePath(name);
        writeFileAtomically(path.toStdString(), text);
        return path;
    }
    /// A plan of the demo model with one cell at other bits.
    Plan editedPlan(double bits = 4) {
        Plan edited = plan().plan();
        CellOverride cell;
        cell.bits = bits;
        edited.layerOverrides = {{"model.layers.2.mlp.up_proj", cell}};
        return edited;
    }
    QStringList unsaved() { return QDir(root_.filePath(u"unsaved"_s)).entryList(QDir::Files); }
};

TEST_F(PlanFilesTest, APlanIsOpenedAsAStepAndSavedWithTheSameBytes) {
    openDemo();
    const std::string text = printPlan(editedPlan());
    const QString path = planFile(u"mine.yaml"_s, text);
    files().openFile(path);
    ASSERT_TRUE(becomes([&] { return plan().file() == path; }));
    EXPECT_EQ(plan().settingsOf({2, Module::UpProj}).bits, 4);
    EXPECT_FALSE(plan().modified());
    EXPECT_TRUE(window().windowTitle().contains(u"mine.yaml"_s));
    click({2, Module::UpProj});
    press(Qt::Key_3);
    EXPECT_TRUE(window().isWindowModified());
    press(Qt::Key_4);
    press(Qt::Key_S, Qt::ControlModifier);
    ASSERT_TRUE(becomes([&] { return !plan().modified(); }));
    EXPECT_EQ(readTextFile(path.toStdString()), text);
    plan().undoStack().setIndex(0);
    EXPECT_EQ(plan().file(), QString()) << "the step opened the file";
    plan().undoStack().redo();
    EXPECT_EQ(plan().file(), path);
}

TEST_F(PlanFilesTest, CommentsAreNotLostUnasked) {
    openDemo();
    const std::string text = "# mine\n" + printPlan(editedPlan());
    const QString path = planFile(u"commented.yaml"_s, text);
    files().openFile(path);
    ASSERT_TRUE(becomes([&] { return plan().file() == path; }));
    click({0, Module::UpProj});
    press(Qt::Key_3);
    press(Qt::Key_S, Qt::ControlModifier);
    auto* question = window().findChild<QMessageBox*>(u"commentsQuestion"_s);
    ASSERT_NE(question, nullptr);
    EXPECT_TRUE(question->text().contains(u"comments"_s));
    question->button(QMessageBox::Cancel)->click();
    EXPECT_EQ(readTextFile(path.toStdString()), text);
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    press(Qt::Key_S, Qt::ControlModifier);
    question = window().findChild<QMessageBox*>(u"commentsQuestion"_s);
    ASSERT_NE(question, nullptr);
    for (QAbstractButton* button : question->buttons()) {
        if (button->text() == u"Save anyway") {
            button->click();
        }
    }
    ASSERT_TRUE(becomes([&] { return !plan().modified(); }));
    EXPECT_EQ(readTextFile(path.toStdString()), printPlan(plan().plan()));
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    press(Qt::Key_4);
    press(Qt::Key_S, Qt::ControlModifier);
    EXPECT_EQ(window().findChild<QMessageBox*>(u"commentsQuestion"_s), nullptr) << "none are left";
    ASSERT_TRUE(becomes([&] { return !plan().modified(); }));
}

TEST_F(PlanFilesTest, BadPlansAreExplainedAndChangeNothing) {
    openDemo();
    const Plan before = plan().plan();
    files().openFile(planFile(u"bad.yaml"_s, "format: caldera-plan/1\ncaldera: {bqq: 2}\n"));
    ASSERT_TRUE(becomes([&] { return window().planView()->banner()->isVisible(); }));
    EXPECT_TRUE(window().planView()->banner()->sentence().contains(u"bqq"_s));
    EXPECT_EQ(plan().plan(), before);
    files().saveTo(u"/nonexistent/folder/plan.yaml"_s);
    ASSERT_TRUE(becomes(
        [&] { return window().planView()->banner()->sentence().contains(u"/nonexistent"_s); }));
    EXPECT_EQ(plan().file(), QString());
}

TEST_F(PlanFilesTest, APastedForeignConfigurationIsTakenAndSaidSo) {
    openDemo();
    QGuiApplication::clipboard()->setText(u"calibration:\n  sequence_length: 512\n"
                                          "caldera:\n  bq: 6\n  rank: 128\n"_s);
    press(Qt::Key_V, Qt::ControlModifier);
    EXPECT_EQ(plan().settingsOf({0, Module::QProj}).bits, 4);
    const QString said = window().planView()->notice()->sentence();
    EXPECT_TRUE(said.contains(u"bq 6 -> 4"_s)) << said.toStdString();
    EXPECT_TRUE(said.contains(u"rank 128 -> 64 (k_proj)"_s)) << said.toStdString();
    EXPECT_FALSE(plan().problem().has_value());
}

TEST_F(PlanFilesTest, AForeignConfigurationIsTakenAndSaidSo) {
    openDemo();
    files().openFile(planFile(u"config.yaml"_s, "model_id: x\ncalibration:\n  sequence_length: "
                                                "512\ncaldera:\n  bq: 3\n  rank: 120\n"
                                                "evaluation:\n  tasks: [a]\n"));
    ASSERT_TRUE(becomes([&] { return plan().settingsOf({0, Module::QProj}).bits == 3; }));
    const QString said = window().planView()->notice()->sentence();
    EXPECT_TRUE(said.contains(u"qwen2-caldera-max"_s));
    EXPECT_TRUE(said.contains(u"rank 120 -> 128"_s)) << said.toStdString();
    EXPECT_TRUE(said.contains(u"rank 128 -> 64 (v_proj)"_s)) << said.toStdString();
    EXPECT_FALSE(plan().problem().has_value());
    EXPECT_FALSE(plan().modified()) << "it is the file as it is read";
}

TEST_F(PlanFilesTest, AnotherPlanStandsOverThisOneAsOutlines) {
    openDemo();
    const QString path = planFile(u"other.yaml"_s, printPlan(editedPlan()));
    files().compareWithFile(path);
    DifferencePanel* panel = window().planView()->differences();
    ASSERT_TRUE(becomes([&] { return panel->table()->model()->rowCount() == 1; }));
    EXPECT_TRUE(panel->isVisible());
    EXPECT_TRUE(panel->summary().contains(u"1 cell"_s)) << panel->summary().toStdString();
    EXPECT_TRUE(panel->summary().contains(u"other.yaml"_s));
    const auto other = [&](Cell cell) {
        return window().planView()->heatmap()->grid().cellAt(cell).other;
    };
    ASSERT_TRUE(other({2, Module::UpProj}).has_value());
    EXPECT_EQ(other({2, Module::UpProj})->direction, 1) << "4 bits there";
    EXPECT_FALSE(other({1, Module::UpProj}).has_value());
    // The comparison follows edits.
    click({2, Module::UpProj});
    press(Qt::Key_4);
    EXPECT_EQ(panel->table()->model()->rowCount(), 0);
    plan().setEmbeddingBits(8);
    EXPECT_TRUE(panel->summary().contains(u"Bits of the embeddings: 16 there, 8 in this plan"_s))
        << panel->summary().toStdString();
    for (QPushButton* button : panel->findChildren<QPushButton*>()) {
        if (button->text() == u"End") {
            button->click();
        }
    }
    EXPECT_EQ(window().planView()->comparison().other(), nullptr);
}

TEST_F(PlanFilesTest, TheSavedPlanIsCompared) {
    openDemo();
    click({2, Module::UpProj});
    press(Qt::Key_4);
    press(Qt::Key_D, Qt::ControlModifier | Qt::ShiftModifier);
    EXPECT_EQ(window().planView()->comparison().differences().size(), 1U);
    EXPECT_GT(window().planView()->comparison().bytes(), 0);
    plan().undoStack().undo();
    EXPECT_TRUE(window().planView()->comparison().differences().empty());
}

TEST_F(PlanFilesTest, UnsavedChangesComeBackAtTheNextStart) {
    openDemo();
    click({2, Module::UpProj});
    press(Qt::Key_4);
    const Plan edited = plan().plan();
    startAgain(); // the end writes what waits
    ASSERT_TRUE(becomes([&] { return plan().plan() == edited; }));
    NoticeBar* notice = window().planView()->notice();
    ASSERT_TRUE(becomes([&] { return notice->sentence().contains(u"unsaved"_s); }));
    EXPECT_TRUE(plan().modified());
    for (QPushButton* button : notice->findChildren<QPushButton*>()) {
        if (button->text() == u"Drop them") {
            button->click();
        }
    }
    EXPECT_FALSE(plan().modified());
    ASSERT_TRUE(becomes([&] { return unsaved().isEmpty(); }));
}

TEST_F(PlanFilesTest, UnsavedChangesBelongToTheirFile) {
    openDemo();
    const QString path = planFile(u"mine.yaml"_s, printPlan(editedPlan()));
    files().openFile(path);
    ASSERT_TRUE(becomes([&] { return plan().file() == path; }));
    click({0, Module::OProj});
    press(Qt::Key_3);
    const Plan edited = plan().plan();
    ASSERT_TRUE(becomes([&] { return unsaved().size() == 1; }));
    startAgain();
    ASSERT_TRUE(becomes([&] { return plan().plan() == edited; }));
    EXPECT_EQ(plan().file(), path);
    EXPECT_EQ(unsaved().size(), 1) << "still unsaved";
    press(Qt::Key_S, Qt::ControlModifier);
    ASSERT_TRUE(becomes([&] { return unsaved().isEmpty(); }));
    EXPECT_EQ(readTextFile(path.toStdString()), printPlan(edited));
}

TEST_F(PlanFilesTest, SavingLeavesNothingUnsaved) {
    openDemo();
    click({0, Module::OProj});
    press(Qt::Key_3);
    ASSERT_TRUE(becomes([&] { return unsaved().size() == 1; }));
    files().saveTo(root_.filePath(u"saved.yaml"_s));
    ASSERT_TRUE(becomes([&] { return unsaved().isEmpty(); }));
}

TEST_F(PlanFilesTest, DamagedUnsavedChangesAreExplained) {
    openDemo();
    click({0, Module::OProj});
    press(Qt::Key_3);
    window_.reset();
    ASSERT_EQ(unsaved().size(), 1);
    const QString path = QDir(root_.filePath(u"unsaved"_s)).filePath(unsaved().first());
    const std::string whole = readTextFile(path.toStdString());
    for (const std::string& text :
         {std::string("{"), std::string("[]"), std::string("{\"format\":3}"), std::string(),
          std::string("\xff\xfe\0{", 4), whole.substr(0, whole.size() / 2),
          std::string(100'000, '[')}) {
        writeFileAtomically(path.toStdString(), text);
        openDemo();
        window().setMode(Mode::Plan);
        ASSERT_TRUE(becomes([&] { return window().planView()->banner()->isVisible(); })) << text;
        EXPECT_TRUE(window().planView()->banner()->sentence().contains(u"damaged"_s));
        EXPECT_FALSE(plan().modified());
        window_.reset();
        EXPECT_EQ(unsaved().size(), 1) << "left for the person to look at";
    }
}

TEST_F(PlanFilesTest, WhatIsNoFileOfUnsavedChangesIsExplainedToo) {
    openDemo();
    click({0, Module::OProj});
    press(Qt::Key_3);
    window_.reset();
    ASSERT_EQ(unsaved().size(), 1);
    const std::filesystem::path path =
        QDir(root_.filePath(u"unsaved"_s)).filePath(unsaved().first()).toStdString();
    const std::vector<std::function<void()>> things = {
        [&] { std::filesystem::create_directory(path); },
        [&] { std::filesystem::create_symlink(path.filename(), path); }, // to itself
        [&] { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); },
        [&] {
            writeFileAtomically(path, "{");
            std::filesystem::resize_file(path, uintmax_t{1} << 30);
        }};
    for (size_t at = 0; at < things.size(); ++at) {
        std::filesystem::remove_all(path);
        things[at]();
        openDemo();
        window().setMode(Mode::Plan);
        EXPECT_TRUE(becomes([&] { return window().planView()->banner()->isVisible(); })) << at;
        EXPECT_FALSE(plan().modified()) << at;
        click({0, Module::OProj});
        press(Qt::Key_3);
        EXPECT_TRUE(plan().modified()) << "and work goes on, " << at;
        window_.reset();
    }
    std::filesystem::remove_all(path);
}

/// Edits for ever, saying each edit; AKillLosesAtMostOneSecond runs it in a process of its own.
TEST_F(PlanFilesTest, DISABLED_EditsUntilItIsKilled) {
    window_ = std::make_unique<MainWindow>(WindowPlaces{
        root_.filePath(u"jobs"_s), root_.filePath(u"chats"_s), u"/nonexistent/caldera"_s,
        qEnvironmentVariable("CALDERA_TEST_UNSAVED"), root_.filePath(u"targets"_s)});
    window_->show();
    openDemo();
    for (int edit = 0;; ++edit) {
        plan().setCalibrationTokens(1000 + edit);
        std::printf("edit %lld %d\n", static_cast<long long>(QDateTime::currentMSecsSinceEpoch()),
                    1000 + edit);
        std::fflush(stdout);
        QTest::qWait(20);
    }
}

TEST_F(PlanFilesTest, AKillLosesAtMostOneSecond) {
    const QString folder = root_.filePath(u"unsaved"_s);
    QProcess victim;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(u"CALDERA_TEST_UNSAVED"_s, folder);
    victim.setProcessEnvironment(environment);
    victim.start(QCoreApplication::applicationFilePath(),
                 {u"--gtest_filter=PlanFilesTest.DISABLED_EditsUntilItIsKilled"_s,
                  u"--gtest_also_run_disabled_tests"_s});
    QByteArray said;
    ASSERT_TRUE(QTest::qWaitFor(
        [&] {
            said += victim.readAllStandardOutput();
            return said.count("\nedit ") > 100;
        },
        3 * kPatience)) // on a busy machine
        << said.toStdString();
    const qint64 killed = QDateTime::currentMSecsSinceEpoch();
    victim.kill();
    victim.waitForFinished();
    openDemo();
    ASSERT_TRUE(becomes([&] { return plan().modified(); }));
    const int64_t kept = plan().plan().calibration.tokens;
    qint64 lost = 0; // since the oldest edit that is not kept
    for (const QByteArray& line : said.split('\n')) {
        const QList<QByteArray> words = line.split(' ');
        if (words.size() == 3 && words[0] == "edit" && words[2].toLongLong() > kept) {
            lost = std::max(lost, killed - words[1].toLongLong());
        }
    }
    EXPECT_LE(lost, 1000);
}

} // namespace
} // namespace caldera::studio
