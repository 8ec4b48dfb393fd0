#include "widgets/models/evaluation_board.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>

#include "core/report/kept_reports.h"
#include "core/report/value_interval.h"
#include "core/summary/chart.h"
#include "tests/gui/pictures.h"
#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/measured_run.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/inspect_view/evaluation_page.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/inspect_view/run_summary.h"
#include "widgets/jobs/job_service.h"
#include "widgets/plan_view/begin_dialog.h"
#include "widgets/plan_view/evaluate_form.h"
#include "widgets/plan_view/text_choice.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

EvaluationRecord recordOf(double kl, const std::string& name = "heldout", bool intervals = true) {
    EvaluationRecord record{name,
                            {{"kl_mean", kl},
                             {"kl_p99", 10 * kl},
                             {"perplexity", 8 + kl},
                             {"top1_agreement", 1 - kl},
                             {"tokens", 4096},
                             {"bits_per_weight", 2.1},
                             {"bytes", 19e9},
                             {"context", 2048}},
                            {{"text", name + ".txt"}}};
    if (intervals) {
        record.numbers["kl_mean_low"] = 0.9 * kl;
        record.numbers["kl_mean_high"] = 1.1 * kl;
    }
    return record;
}

BoardEntry entryOf(const QString& model, double kl, bool intervals = true) {
    return {model, u"hash"_s, {}, recordOf(kl, "heldout", intervals)};
}

TEST(EvaluationBoard, IntervalsSayWhetherADifferenceMayBeChance) {
    const BoardNumber& kl = boardNumbers().front();
    ASSERT_EQ(kl.key, "kl_mean");
    EXPECT_TRUE(comparisonText(kl, entryOf(u"A"_s, 0.04), entryOf(u"B"_s, 0.06))
                    .contains(u"A · hash is better; the intervals lie apart"_s));
    EXPECT_TRUE(comparisonText(kl, entryOf(u"A"_s, 0.06), entryOf(u"B"_s, 0.04))
                    .contains(u"B · hash is better"_s));
    EXPECT_TRUE(comparisonText(kl, entryOf(u"A"_s, 0.040), entryOf(u"B"_s, 0.042))
                    .contains(u"may be chance"_s));
    EXPECT_TRUE(comparisonText(kl, entryOf(u"A"_s, 0.04), entryOf(u"B"_s, 0.06, false))
                    .contains(u"nobody knows"_s));
    EXPECT_TRUE(comparisonText(boardNumbers()[7], entryOf(u"A"_s, 0.04), entryOf(u"B"_s, 0.06))
                    .contains(u"not measured for both"_s));
}

TEST(EvaluationBoard, OnlyWhatComparesIsCompared) {
    const BoardNumber& kl = boardNumbers().front();
    const BoardNumber& perplexity = boardNumbers()[3];
    EvaluationRecord first = recordOf(0.04);
    first.facts.insert({{kTextHash, "a"}, {"reference", "original"}});
    EXPECT_TRUE(compares(kl, first, recordOf(0.05))) << "earlier versions noted less";
    EXPECT_FALSE(compares(kl, first, recordOf(0.05, "other")));
    for (const char* name : {"context", "tokens"}) {
        EvaluationRecord other = first;
        other.numbers[name] = 512;
        EXPECT_FALSE(compares(perplexity, first, other)) << name;
    }
    EvaluationRecord second = first;
    second.facts[kTextHash] = "b";
    EXPECT_FALSE(compares(perplexity, first, second)) << "another file of that name";
    second = first;
    second.facts["reference"] = "another";
    EXPECT_FALSE(compares(kl, first, second));
    EXPECT_TRUE(compares(perplexity, first, second)) << "it is no matter of the original";
    EvaluationRecord shorter = recordOf(0.01);
    shorter.numbers["context"] = 512;
    const QList<BoardEntry> apart = {{u"A"_s, {}, {}, first}, {u"B"_s, {}, {}, shorter}};
    EXPECT_EQ(bestOf(apart, kl, first)->model, u"A"_s);
}

TEST(EvaluationBoard, ShowsWhatIsThereAndMarksWhatIsNot) {
    const EvaluationRecord record = recordOf(0.04, "heldout", false);
    ASSERT_TRUE(estimateOf(record, "kl_mean").has_value());
    EXPECT_FALSE(estimateOf(record, "kl_mean")->low.has_value());
    EXPECT_FALSE(estimateOf(record, "accuracy").has_value());
    EXPECT_TRUE(estimateOf(recordOf(0.04), "kl_mean")->high.has_value());
}

/// With evaluations of three artifacts in the state folder.
class EvaluationPageTest : public StudioFixture {
protected:
    EvaluationPageTest() {
        clearBoard();
        keep(u"2-bit"_s, "aaaa", {recordOf(0.08), recordOf(0.07, "code")});
        keep(u"3-bit"_s, "bbbb", {recordOf(0.02)});
        keep(u"4-bit"_s, "cccc", {recordOf(0.019, "heldout", false)});
    }
    ~EvaluationPageTest() override {
        clearBoard();
        Theme::current().setChoice(SchemeChoice::System);
    }

    static QDir boardFolder() {
        return QFileInfo(QString::fromStdString(keptEvaluations("any").string())).dir();
    }
    static void clearBoard() {
        for (const QString& file : boardFolder().entryList({u"*.h5"_s}, QDir::Files)) {
            QFile::remove(boardFolder().filePath(file));
        }
    }
    static void keep(const QString& model, const std::string& hash,
                     const std::vector<EvaluationRecord>& records) {
        Report report;
        report.layerCount = 4;
        report.run = {{"model", model.toStdString()},
                      {"fingerprint", hash},
                      {"date", "2026-11-26T10:00:00Z"}};
        report.evaluations = records;
        writeReport(report, keptEvaluations(hash));
    }

    EvaluationPage& page() { return *window().inspectView()->evaluation(); }
    /// Opens an artifact whose evaluations are kept, and shows the board.
    void openArtifact(const QString& hash) {
        OpenResult result = measuredModel(exampleConfig(4));
        auto facts = std::make_shared<OpenFacts>(*result.facts);
        facts->kind = OpenKind::Artifact;
        facts->artifactHash = hash;
        facts->name = u"3-bit"_s;
        facts->bitsPerWeight = 3.1;
        result.facts = facts;
        result.fidelity.reset();
        result.report = std::make_shared<const Report>(measuredRun(exampleConfig(4)));
        window().session().show(result);
        window().setMode(Mode::Inspect);
        window().inspectView()->tabs()->setCurrentWidget(&page());
        ASSERT_TRUE(QTest::qWaitFor([this] { return !page().entries().isEmpty(); }, kPatience));
    }
    int rowOf(const QString& model, const QString& text) {
        for (int row = 0; row < page().model().rowCount(); ++row) {
            if (page().model().index(row, 0).data().toString().contains(model) &&
                page().model().index(row, 3).data().toString() == text) {
                return row;
            }
        }
        return -1;
    }
    void select(const QList<int>& rows) {
        QItemSelectionModel* selection = page().table()->selectionModel();
        selection->clearSelection();
        for (const int row : rows) {
            selection->select(page().model().index(row, 0),
                              QItemSelectionModel::Select | QItemSelectionModel::Rows);
        }
    }
};

TEST_F(EvaluationPageTest, ListsEveryArtifactAndMarksTheOpenOne) {
    openArtifact(u"bbbb"_s);
    EXPECT_EQ(page().entries().size(), 4);
    EXPECT_TRUE(page()
                    .model()
                    .index(rowOf(u"3-bit"_s, u"heldout"_s), 0)
                    .data()
                    .toString()
                    .startsWith(u"●"_s));
    page().table()->sortByColumn(6, Qt::AscendingOrder);
    EXPECT_EQ(rowOf(u"4-bit"_s, u"heldout"_s), 0);
    EXPECT_EQ(rowOf(u"2-bit"_s, u"heldout"_s), 3);
    const QString missing = page().model().index(0, 13).data().toString();
    EXPECT_EQ(missing, u"–"_s) << "no accuracy was measured";
    EXPECT_TRUE(page().evaluateButton()->isEnabled());
}

TEST_F(EvaluationPageTest, TwoResultsAreComparedWithTheirIntervals) {
    openArtifact(u"bbbb"_s);
    select({rowOf(u"2-bit"_s, u"heldout"_s), rowOf(u"3-bit"_s, u"heldout"_s)});
    EXPECT_TRUE(page().comparison()->text().contains(u"3-bit · bbbb is better"_s))
        << page().comparison()->text().toStdString();
    EXPECT_EQ(page().plot()->curves().size(), 3) << "all on this text";
    select({rowOf(u"2-bit"_s, u"code"_s), rowOf(u"3-bit"_s, u"heldout"_s)});
    EXPECT_TRUE(page().comparison()->text().contains(u"do not compare"_s));
    page().numberBox()->setCurrentIndex(5);
    select({rowOf(u"2-bit"_s, u"heldout"_s), rowOf(u"3-bit"_s, u"heldout"_s)});
    EXPECT_TRUE(page().comparison()->text().contains(u"92.00 %"_s))
        << page().comparison()->text().toStdString();
}

TEST_F(EvaluationPageTest, OneResultIsComparedWithTheBest) {
    openArtifact(u"bbbb"_s);
    select({rowOf(u"2-bit"_s, u"heldout"_s)});
    EXPECT_TRUE(page().comparison()->text().contains(u"4-bit · cccc is the best on heldout"_s))
        << page().comparison()->text().toStdString();
    select({rowOf(u"4-bit"_s, u"heldout"_s)});
    EXPECT_EQ(page().comparison()->text(), u"KL mean: 4-bit · cccc is the best on heldout."_s);
    page().numberBox()->setCurrentIndex(5); // where more is better
    EXPECT_EQ(page().comparison()->text(), u"Top 1: 4-bit · cccc is the best on heldout."_s);
}

TEST_F(EvaluationPageTest, SizesAndIntervalsStandInTheTable) {
    openArtifact(u"bbbb"_s);
    const int row = rowOf(u"2-bit"_s, u"heldout"_s);
    const auto text = [&](int column) {
        return page().model().index(row, column).data().toString();
    };
    EXPECT_EQ(text(1), u"2.10"_s);
    EXPECT_EQ(text(2), sizeText(19'000'000'000));
    EXPECT_EQ(text(6), u"0.08000 \u00b10.0080"_s);
}

TEST_F(EvaluationPageTest, WhatHasNoIntervalSaysWhy) {
    EvaluationRecord alone = recordOf(0.05, "short", false);
    alone.facts[kNoInterval] = "one block of 128 tokens";
    keep(u"5-bit"_s, "dddd", {alone});
    openArtifact(u"bbbb"_s);
    const QModelIndex kl = page().model().index(rowOf(u"5-bit"_s, u"short"_s), 6);
    EXPECT_EQ(kl.data().toString(), u"0.05000"_s);
    EXPECT_TRUE(kl.data(Qt::ToolTipRole).toString().contains(u"No interval from one block"_s))
        << kl.data(Qt::ToolTipRole).toString().toStdString();
}

TEST_F(EvaluationPageTest, ExportsExactNumbers) {
    openArtifact(u"bbbb"_s);
    const QStringList lines = boardCsv(page().entries()).split(u'\n', Qt::SkipEmptyParts);
    ASSERT_EQ(lines.size(), 5);
    EXPECT_TRUE(lines[0].startsWith(u"model,artifact,date,evaluation,bits_per_weight,bytes,"_s));
    EXPECT_TRUE(lines[0].contains(u",kl_mean,kl_mean_high,kl_mean_low,"_s));
    EXPECT_EQ(lines.filter(u",0.08,"_s).size(), 1) << lines.join(u'\n').toStdString();
    EXPECT_TRUE(page().table()->csv().contains(u"\"19000000000\""_s)) << "no thin spaces in files";
}

TEST_F(EvaluationPageTest, NumbersOfAnotherArtifactAreNeverTakenForTheOpenOnes) {
    openArtifact(u"bbbb"_s);
    const auto perplexities = [&](const std::string& fingerprint) {
        Report report;
        report.layerCount = 4;
        report.run = {{"model", "2-bit"}, {"fingerprint", fingerprint}};
        report.evaluations = {recordOf(0.08, "prose")};
        report.fidelity = {{kBlameMetric, "", {{{0, Module::QProj}, 0.5}}}};
        const QString file = root_.filePath(u"evaluation.h5"_s);
        writeReport(report, file.toStdString());
        window().openReport(file);
        EXPECT_TRUE(settled());
        return window().session().evaluations().size();
    };
    EXPECT_EQ(perplexities("aaaa"), 0U);
    EXPECT_EQ(window().session().metric(u"blame"_s), nullptr);
    const QString sentence = window().inspectView()->banner()->sentence();
    EXPECT_TRUE(sentence.contains(u"evaluation.h5"_s) &&
                sentence.contains(u"2-bit (4 layers) aaaa"_s) &&
                sentence.contains(u"3-bit (4 layers) bbbb"_s))
        << sentence.toStdString();
    EXPECT_EQ(perplexities("bbbb"), 1U);
    EXPECT_NE(window().session().metric(u"blame"_s), nullptr);
    EXPECT_EQ(perplexities(""), 1U) << "older files do not say";
}

TEST_F(EvaluationPageTest, CellsOfAnotherCompressionAreNeverTakenForTheOpenOnes) {
    openArtifact(u"bbbb"_s);
    const std::shared_ptr<const Report> own = window().session().report();
    const auto takes = [&](const std::map<std::string, std::string>& run) {
        Report report = measuredRun(exampleConfig(4));
        report.evaluations.clear();
        report.run = run;
        const QString file = root_.filePath(u"report.h5"_s);
        writeReport(report, file.toStdString());
        window().openReport(file);
        EXPECT_TRUE(settled());
        return window().session().report() != own;
    };
    const std::string model = window().session().facts()->fingerprint.toStdString();
    EXPECT_FALSE(takes({{"fingerprint", "another model"}}));
    EXPECT_FALSE(takes({{"fingerprint", model}, {"artifact", "aaaa"}})) << "another of this model";
    EXPECT_TRUE(takes({{"fingerprint", model}, {"artifact", "bbbb"}}));
}

TEST_F(EvaluationPageTest, ADamagedFileIsSaidAndTheOthersAreShown) {
    QFile bad(boardFolder().filePath(u"bad.h5"_s));
    ASSERT_TRUE(bad.open(QIODevice::WriteOnly));
    bad.write("no HDF5");
    bad.close();
    const Board board = readBoard();
    EXPECT_EQ(board.entries.size(), 4);
    ASSERT_EQ(board.problems.size(), 1);
    EXPECT_TRUE(board.problems[0].contains(u"bad.h5"_s));
}

TEST_F(EvaluationPageTest, AnEvaluationIsAskedFor) {
    openArtifact(u"bbbb"_s);
    QSignalSpy asked(window().inspectView(), &InspectView::evaluateRequested);
    page().evaluateButton()->click();
    EXPECT_EQ(asked.count(), 1);
}

TEST_F(EvaluationPageTest, AnEvaluationIsOfTheTextsAndQuestionsThatWereChosen) {
    const auto write = [this](const QString& name, const QByteArray& content) {
        QFile file(root_.filePath(name));
        EXPECT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(content);
        return file.fileName();
    };
    const QString text = write(u"own.txt"_s, "some text");
    const QString task = write(u"task.jsonl"_s, "{}");
    openArtifact(u"bbbb"_s);
    page().evaluateButton()->click();
    BeginDialog* dialog = nullptr;
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return (dialog = window().findChild<BeginDialog*>()) != nullptr; }, kPatience));
    EvaluateForm* form = dialog->evaluation();
    ASSERT_NE(form, nullptr);
    ASSERT_TRUE(QTest::qWaitFor([&] { return dialog->startButton()->isEnabled(); }, kPatience));
    form->textBox()->setChecked(false);
    EXPECT_FALSE(dialog->startButton()->isEnabled()) << "nothing to evaluate on";
    form->addTasks({task, task});
    EXPECT_EQ(form->settings().tasks, QStringList{task});
    EXPECT_TRUE(form->isSound());
    form->textBox()->setChecked(true);
    form->context()->setValue(512);
    form->text()->setPath(text);
    ASSERT_TRUE(QTest::qWaitFor([&] { return form->isSound(); }, kPatience));
    for (const SchemeChoice scheme : {SchemeChoice::Light, SchemeChoice::Dark}) {
        EXPECT_LE(picture(*dialog, u"evaluate"_s, scheme).height(), 720);
    }
    dialog->accept();
    ASSERT_TRUE(QTest::qWaitFor([&] { return !window().jobs().jobs().isEmpty(); }, kPatience));
    const QString words = window().jobs().jobs().first().arguments.join(u' ');
    EXPECT_TRUE(
        words.contains(u"--text %1 --context 512 --task %2 --keep-reference"_s.arg(text, task)))
        << words.toStdString();
}

TEST_F(EvaluationPageTest, Looks) {
    openArtifact(u"bbbb"_s);
    window().resize(1440, 900);
    select({rowOf(u"2-bit"_s, u"heldout"_s), rowOf(u"3-bit"_s, u"heldout"_s)});
    for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light}) {
        EXPECT_EQ(picture(window(), u"inspect-board"_s, scheme).size(), window().size());
    }
}

TEST_F(EvaluationPageTest, TheOnePageReportTellsWhatIsOpen) {
    openArtifact(u"bbbb"_s);
    const Summary summary = summaryOf(window().session());
    ASSERT_TRUE(summary.artifact.has_value());
    EXPECT_EQ(summary.artifact->hash, "bbbb");
    EXPECT_EQ(summary.report.cells.size(), 28U);
    EXPECT_TRUE(summary.report.cells.begin()->second.rowError.empty()) << "curves stay behind";
    const std::string page = toHtml(summaryPage(summary), titleOf(summary));
    for (const char* text : {"3.10 bits per weight", "bbbb", "caldera compress example"}) {
        EXPECT_NE(page.find(text), std::string::npos) << text;
    }
}

} // namespace
} // namespace caldera::studio
