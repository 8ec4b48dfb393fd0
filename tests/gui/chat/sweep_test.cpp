// Measured speeds: the history and what the dialog makes of it.
#include <QFile>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/pictures.h"
#include "widgets/chat/sweep_dialog.h"
#include "widgets/chat/sweep_table.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 20000;

SweepRun runOf(double speed) {
    SweepRun run;
    run.model = u"demo"_s;
    run.artifact = u"abc"_s;
    run.device = u"cpu"_s;
    run.time = QDateTime::fromString(u"2026-11-26T12:00:00Z"_s, Qt::ISODate);
    run.readBytesPerSecond = 12.5e9;
    run.weightBytes = 50'000'000;
    run.points = {{128, 1, 0.05, 2500, speed, 1 / speed, 1.1 / speed, 1.5 / speed, 0.4}};
    return run;
}

class Sweep : public ::testing::Test {
protected:
    QString history() const { return folder_.path() + u"/state/throughput.jsonl"_s; }
    std::unique_ptr<SweepDialog> open(const QString& artifact = u"/models/demo"_s) {
        auto dialog =
            std::make_unique<SweepDialog>(artifact, QStringLiteral(FAKE_WORKER), history());
        QObject::connect(dialog.get(), &SweepDialog::roomNeeded, dialog.get(), &SweepDialog::begin);
        dialog->show();
        return dialog;
    }

    QTemporaryDir folder_;
};

TEST_F(Sweep, RunsAreKeptInTheirFile) {
    EXPECT_TRUE(readSweeps(history()).isEmpty());
    EXPECT_TRUE(addSweep(history(), runOf(100)).isEmpty());
    EXPECT_TRUE(addSweep(history(), runOf(90)).isEmpty());
    EXPECT_EQ(readSweeps(history()), (QList{runOf(100), runOf(90)}));
    QFile file(history());
    ASSERT_TRUE(file.open(QIODevice::Append));
    file.write("{\"half\": a line");
    file.close();
    EXPECT_EQ(readSweeps(history()).size(), 2);
    for (int i = 0; i < 205; ++i)
        ASSERT_TRUE(addSweep(history(), runOf(10 + i)).isEmpty());
    EXPECT_EQ(readSweeps(history()).size(), 200);
    EXPECT_EQ(readSweeps(history()).last(), runOf(214));
    EXPECT_TRUE(addSweep(u"/proc/nowhere/x.jsonl"_s, runOf(1)).contains("/proc/nowhere"_L1));
}

TEST_F(Sweep, ComparesTheSamePoints) {
    EXPECT_NEAR(*speedChange(runOf(80).points[0], runOf(100)), -0.2, 1e-12);
    SweepRun other = runOf(100);
    other.points[0].chats = 4;
    EXPECT_FALSE(speedChange(runOf(80).points[0], other));
}

TEST_F(Sweep, MeasuresKeepsAndCompares) {
    ASSERT_TRUE(addSweep(history(), runOf(120)).isEmpty());
    const auto dialog = open();
    ASSERT_TRUE(QTest::qWaitFor([&] { return dialog->runs().size() == 1; }, kPatience));
    QSignalSpy measured(dialog.get(), &SweepDialog::measured);
    dialog->measure();
    EXPECT_TRUE(dialog->isMeasuring());
    ASSERT_TRUE(measured.wait(kPatience));
    EXPECT_FALSE(dialog->isMeasuring());
    ASSERT_EQ(dialog->runs().size(), 2);
    EXPECT_EQ(readSweeps(history()).size(), 2);
    const ValueTableModel& table = dialog->table()->values();
    const auto text = [&table](int row, int column) {
        return table.index(row, column).data().toString();
    };
    ASSERT_EQ(table.rowCount(), 2);
    EXPECT_EQ(text(0, 4), u"100"_s);
    EXPECT_EQ(text(0, 5), u"10.0"_s);
    EXPECT_EQ(text(0, 8), u"−16.7"_s);
    EXPECT_EQ(table.index(0, 8).data(Qt::ForegroundRole).value<QColor>(),
              Theme::current().color(Token::Bad));
    EXPECT_EQ(text(1, 8), u"–"_s) << "was not measured before";
    dialog->compareWith(-1);
    EXPECT_EQ(text(0, 8), u"–"_s);
    dialog->compareWith(0);
    picture(*dialog, u"sweep"_s, SchemeChoice::Dark);
    picture(*dialog, u"sweep"_s, SchemeChoice::Light);
    Theme::current().setChoice(SchemeChoice::System);
}

/// Columns by their heading, of one line of comma-separated values.
QHash<QString, QString> lineOf(const QString& csv, qsizetype line) {
    const QStringList lines = csv.split(u'\n');
    const auto fields = [](const QString& text) {
        return text.mid(1, text.size() - 2).split(u"\",\""_s); // all stand in quotes
    };
    const QStringList heads = fields(lines.value(0));
    const QStringList values = fields(lines.value(line));
    QHash<QString, QString> found;
    for (qsizetype at = 0; at < heads.size(); ++at)
        found[heads[at]] = values.value(at);
    return found;
}

TEST_F(Sweep, FilesSayExactlyWhatWasMeasuredAndOfWhat) {
    EXPECT_FALSE(open()->exportButton()->isEnabled()) << "nothing was measured yet";
    SweepRun before = runOf(90);
    before.artifact = u"older"_s;
    ASSERT_TRUE(addSweep(history(), before).isEmpty());
    ASSERT_TRUE(addSweep(history(), runOf(81.25)).isEmpty());
    const auto dialog = open();
    ASSERT_TRUE(QTest::qWaitFor([&] { return dialog->runs().size() == 2; }, kPatience));
    EXPECT_TRUE(dialog->exportButton()->isEnabled());
    const QHash<QString, QString> line = lineOf(dialog->table()->csv(), 1);
    EXPECT_EQ(line[u"Prompt"_s], u"128"_s);
    EXPECT_EQ(line[u"tok/s of all"_s], u"81.25"_s);
    EXPECT_EQ(line[u"First, ms"_s], u"50"_s);
    EXPECT_NEAR(line[u"p50, ms"_s].toDouble(), 1e3 / 81.25, 1e-9);
    EXPECT_NEAR(line[u"Change, %"_s].toDouble(), 100 * (81.25 / 90 - 1), 1e-9);
    EXPECT_EQ(line[u"Of what memory allows, %"_s], u"40"_s);
    EXPECT_EQ(line[u"Model"_s], u"demo"_s);
    EXPECT_EQ(line[u"Artifact"_s], u"abc"_s);
    EXPECT_EQ(line[u"Device"_s], u"cpu"_s);
    EXPECT_EQ(line[u"Measured"_s], u"2026-11-26T12:00:00Z"_s);
    EXPECT_EQ(line[u"Compared with"_s], u"older 2026-11-26T12:00:00Z"_s);
    dialog->compareWith(-1);
    EXPECT_EQ(lineOf(dialog->table()->csv(), 1)[u"Change, %"_s], QString());
}

TEST_F(Sweep, APersonChoosesWhatIsMeasured) {
    const auto dialog = open();
    EXPECT_TRUE(dialog->planLabel()->text().startsWith("4 point(s); how long"_L1))
        << dialog->planLabel()->text().toStdString();
    dialog->promptsBox()->setText(u"64, x"_s);
    EXPECT_FALSE(dialog->measureButton()->isEnabled());
    EXPECT_TRUE(dialog->planLabel()->text().contains("whole numbers"_L1));
    dialog->promptsBox()->setText(u"64,128 , 64"_s);
    dialog->chatsBox()->setText(u"2"_s);
    dialog->tokensBox()->setValue(100);
    EXPECT_TRUE(dialog->measureButton()->isEnabled());
    QSignalSpy measured(dialog.get(), &SweepDialog::measured);
    dialog->measure();
    EXPECT_FALSE(dialog->promptsBox()->isEnabled());
    ASSERT_TRUE(measured.wait(kPatience));
    EXPECT_TRUE(dialog->planLabel()->text().contains("by the last measurement"_L1));
    EXPECT_EQ(open()->promptsBox()->text(), u"64, 128"_s) << "remembered";
    QSettings().clear();
}

TEST(SweepPlan, EstimatesFromTheNearestPoint) {
    const SweepRun run = runOf(100); // 2500 tokens a second of prompt, 100 of answer
    const SweepPlan plan{{250}, {1, 2}, 50};
    EXPECT_NEAR(*plan.seconds(run), 3 * (0.1 + 0.5), 1e-9);
    EXPECT_FALSE(plan.seconds(SweepRun()));
    EXPECT_EQ(plan.arguments().join(u' '), u"--prompts 250 --chats 1,2 --tokens 50"_s);
    for (const char* bad : {"", "0", "-1", "1,,2", "1.5", "9999999999", "65"}) {
        EXPECT_FALSE(countsOf(QString::fromLatin1(bad), 64)) << bad;
    }
}

TEST(SweepPlan, SaysInWordsWhatBecameSlower) {
    EXPECT_EQ(changeText(runOf(80), runOf(100)),
              u"Of 1 points 1 became slower and 0 faster by more than 5.00 %; most of all "
              "1 chat(s) after 128 tokens, 20.0 % slower."_s)
        << changeText(runOf(80), runOf(100)).toStdString();
    EXPECT_TRUE(changeText(runOf(99), runOf(100)).startsWith("No point changed"_L1));
    EXPECT_TRUE(changeText(runOf(99), SweepRun()).startsWith("None of these"_L1));
}

TEST_F(Sweep, ShowsTheProgramsOwnSentence) {
    const auto dialog = open(u"/models/broken"_s);
    dialog->measure();
    ASSERT_TRUE(QTest::qWaitFor([&] { return !dialog->isMeasuring(); }, kPatience));
    EXPECT_TRUE(dialog->findChild<ErrorBanner*>()->sentence().contains("is damaged"_L1));
    EXPECT_TRUE(readSweeps(history()).isEmpty());
}

} // namespace
} // namespace caldera::studio
