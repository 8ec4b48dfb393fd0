// From a measured model to a plan that fits a budget: figures, Solve, Heal, reasons, the curve of
// best plans; and the rank line of the cell panel. On a model of 80 layers in the real window.
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QTabWidget>
#include <QTableView>

#include "core/base/machine.h"
#include "core/plan/gpu_memory.h"
#include "core/preflight/speed_log.h"
#include "core/report/standard_error.h"
#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/cell_panel/cell_panel.h"
#include "widgets/jobs/job_service.h"
#include "widgets/models/difference_model.h"
#include "widgets/plan_view/budget_bar.h"
#include "widgets/plan_view/difference_panel.h"
#include "widgets/plan_view/front_panel.h"
#include "widgets/plan_view/measure_dialog.h"
#include "widgets/plan_view/plan_figures.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"
#include "widgets/support/number_text.h"
#include "widgets/support/parts_label.h"
#include "widgets/support/plot.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class BudgetTest : public StudioFixture {
protected:
    void openLarge() {
        window().session().show(measuredModel(seventyTwo()));
        window().setMode(Mode::Plan);
        view().setFocus();
    }
    PlanView& page() { return *window().planView(); }
    BudgetBar& budget() { return *page().budget(); }
    bool solved() {
        return QTest::qWaitFor([this] { return !page().solver().busy(); }, kPatience);
    }
    void limit(const QString& kind, double amount) {
        budget().kindBox()->setCurrentText(kind);
        Q_EMIT budget().kindBox()->activated(budget().kindBox()->currentIndex());
        budget().amountBox()->setValue(amount);
    }
    TruthFigure figure(const QString& id) {
        for (const TruthFigure& figure : planFigures(window().session(), page().solver())) {
            if (figure.id == id) {
                return figure;
            }
        }
        return {};
    }
};

TEST_F(BudgetTest, EveryFigureSaysHowItCameAbout) {
    openLarge();
    EXPECT_EQ(budget().amountBox()->suffix(), u" GB"_s);
    EXPECT_NEAR(budget().amountBox()->value(),
                static_cast<double>(plan().size().total()) / kGigabyte, 0.001);
    EXPECT_EQ(figure(u"bytes"_s).kind, u"exact"_s);
    EXPECT_EQ(figure(u"bytes"_s).amount, static_cast<double>(plan().size().total()));
    EXPECT_TRUE(figure(u"bytes"_s).caption.contains(u"weights"_s)) << "not the whole folder";
    EXPECT_TRUE(figure(u"bytes"_s).toolTip.contains(u"not counted"_s));
    EXPECT_EQ(figure(u"bpw"_s).kind, u"exact"_s);
    EXPECT_EQ(figure(u"gpu"_s).kind, u"predicted, 8k tokens"_s);
    EXPECT_EQ(figure(u"gpu"_s).amount,
              static_cast<double>(
                  gpuMemory(plan().plan(), plan().config(), {.contextLength = 8192}, 16).total()));
    EXPECT_EQ(figure(u"kl"_s).kind, u"predicted"_s);
    EXPECT_GT(figure(u"kl"_s).amount, 0);
    EXPECT_EQ(figure(u"speed"_s).kind, u"estimated, RTX 3090"_s);
    EXPECT_EQ(figure(u"time"_s).kind, u"predicted"_s);
    EXPECT_GT(figure(u"time"_s).amount, 3600) << "72.7 billion weights on a processor";
    EXPECT_TRUE(figure(u"time"_s).toolTip.contains(u"H100"_s));
    const double before = figure(u"gpu"_s).amount;
    budget().contextBox()->setCurrentIndex(budget().contextBox()->findData(32768));
    Q_EMIT budget().contextBox()->activated(budget().contextBox()->currentIndex());
    EXPECT_GT(figure(u"gpu"_s).amount, before);
}

TEST_F(BudgetTest, NoContextIsOfferedThatTheModelDoesNotTake) {
    ModelConfig config = seventyTwo();
    config.maxPositions = 4096;
    window().session().show(measuredModel(config));
    window().setMode(Mode::Plan);
    EXPECT_EQ(budget().contextBox()->count(), 2);
    EXPECT_EQ(budget().contextBox()->currentData().toInt(), 4096);
    EXPECT_TRUE(figure(u"gpu"_s).kind.contains(u"4k tokens"_s));
    config.maxPositions = 512;
    window().session().show(measuredModel(config));
    EXPECT_EQ(budget().contextBox()->currentText(), u"512 tokens"_s);
    openLarge();
    EXPECT_EQ(budget().contextBox()->count(), 5);
}

TEST_F(BudgetTest, ADivergenceSaysHowSureItIs) {
    OpenResult model = measuredModel(seventyTwo());
    Report report = *model.fidelity;
    for (const auto& [cell, value] : report.fidelity.back().values) {
        report.fidelity.back().details[kStandardError][cell] = value / 10;
    }
    model.fidelity = std::make_shared<const Report>(report);
    window().session().show(model);
    const TruthFigure kl = figure(u"kl"_s);
    const QString spread =
        QString(u" \u00b1"_s) + figureText(kStandardErrors95 * kl.amount / 10, 2);
    EXPECT_TRUE(kl.value.endsWith(spread)) << kl.value.toStdString();
    EXPECT_TRUE(kl.toolTip.contains(u"95 %"_s));
    EXPECT_TRUE(kl.toolTip.contains(u"text like the one"_s)) << "and what it depends on";
}

TEST_F(BudgetTest, WithoutMeasurementsNothingIsPredictedOrSolved) {
    OpenResult model = measuredModel(seventyTwo());
    model.fidelity.reset();
    window().session().show(model);
    window().setMode(Mode::Plan);
    EXPECT_TRUE(figure(u"kl"_s).id.isEmpty());
    EXPECT_TRUE(budget().solveButton()->toolTip().contains(u"Measure"_s));
    press(Qt::Key_Return, Qt::ControlModifier | Qt::ShiftModifier);
    EXPECT_TRUE(page().banner()->sentence().contains(u"Measure"_s));
}

TEST_F(BudgetTest, APlanFitsTheBudgetsThatAreOfferedForIt) {
    openLarge();
    for (int kind = 0; kind < budget().kindBox()->count(); ++kind) {
        budget().kindBox()->setCurrentIndex(kind);
        Q_EMIT budget().kindBox()->activated(kind);
        const BudgetState state = budgetState(window().session(), page().solver());
        EXPECT_FALSE(state.over) << budget().kindBox()->currentText().toStdString() << ": "
                                 << state.text.toStdString();
    }
}

TEST_F(BudgetTest, WithoutDivergencesItIsCalledAnEstimate) {
    OpenResult model = measuredModel(seventyTwo());
    Report errors = *model.fidelity;
    errors.fidelity.resize(1);
    model.fidelity = std::make_shared<const Report>(errors);
    window().session().show(model);
    window().setMode(Mode::Plan);
    QString told;
    QObject::connect(&page().solver(), &PlanSolver::solved, &window(),
                     [&told](const QString& text) { told = text; });
    limit(u"Bits per weight"_s, 2.3);
    budget().solveButton()->click();
    ASSERT_TRUE(solved());
    EXPECT_TRUE(told.contains(u"estimated KL"_s)) << told.toStdString();
    EXPECT_EQ(figure(u"kl"_s).kind, u"estimated"_s);
}

TEST_F(BudgetTest, TheTimeIsWhatEarlierRunsHereMakeOfIt) {
    openLarge();
    const double documented = figure(u"time"_s).amount;
    SpeedLog::ofThisMachine().add({"compress", processorPlace(usualThreads())}, 10, 110);
    window().session().readSpeed();
    const bool wasRead = QTest::qWaitFor(
        [this] { return window().session().speed().compressing.runs == 1; }, kPatience);
    std::filesystem::remove(stateFolder() / "speeds.jsonl"); // for no other test
    ASSERT_TRUE(wasRead);
    EXPECT_DOUBLE_EQ(figure(u"time"_s).amount, 11 * documented);
    EXPECT_TRUE(figure(u"time"_s).toolTip.contains(u"1 earlier run"_s));
}

TEST_F(BudgetTest, MeasureFindsOutWhatTheSolverHasToKnow) {
    openLarge();
    page().measureButton()->click();
    window().findChild<MeasureDialog*>()->accept();
    ASSERT_TRUE(QTest::qWaitFor([this] { return window().jobs().jobs().size() == 1; }, kPatience));
    EXPECT_TRUE(window().jobs().jobs().first().arguments.contains(u"proxy,kl"_s));
}

TEST_F(BudgetTest, TheChoiceOfMetricSaysHowFarTheyAgree) {
    openLarge();
    QString told;
    for (const QComboBox* box : page().heatmap()->metricChoice()->findChildren<QComboBox*>()) {
        told = box->toolTip();
    }
    EXPECT_TRUE(told.contains(u"Rank correlation of KL divergence"_s)) << told.toStdString();
    EXPECT_TRUE(told.contains(u"Error of the settings 1.00"_s)) << told.toStdString();
    const PartsLabel* line = page().heatmap()->agreement();
    EXPECT_TRUE(line->isVisible()) << "nobody has to look for it";
    EXPECT_TRUE(line->text().contains(u"Error of the settings 1.00"_s));
}

TEST_F(BudgetTest, SolveKeepsToTheBudgetAsOneStepAndSaysWhy) {
    openLarge();
    click({40, Module::DownProj});
    press(Qt::Key_L);
    const Plan before = plan().plan();
    limit(u"Bits per weight"_s, 2.3);
    EXPECT_TRUE(budget().stateText().contains(u"over"_s) ||
                budget().stateText().contains(u"left"_s));
    press(Qt::Key_Return, Qt::ControlModifier | Qt::ShiftModifier);
    ASSERT_TRUE(solved());
    EXPECT_LE(plan().size().bitsPerWeight, 2.3);
    EXPECT_GT(plan().size().bitsPerWeight, 2.3 * 0.998);
    EXPECT_FALSE(plan().problem().has_value());
    EXPECT_EQ(plan().settingsOf({40, Module::DownProj}).bits, before.defaults.bits) << "locked";
    EXPECT_TRUE(budget().stateText().contains(u"left"_s)) << budget().stateText().toStdString();
    const auto& differences = page().comparison().differences();
    ASSERT_GT(differences.size(), 10U);
    for (const CellDifference& difference : differences) {
        EXPECT_FALSE(difference.reason.isEmpty()) << cellName(difference.cell);
    }
    EXPECT_TRUE(page().differences()->isVisible());
    page().differences()->table()->selectRow(3); // pins the cell
    EXPECT_TRUE(window()
                    .cellPanel()
                    ->findChild<QLabel*>(u"reason"_s)
                    ->text()
                    .contains(differences[3].reason));
    view().setFocus();
    EXPECT_EQ(plan().undoStack().undoText(), u"Solve for the budget"_s);
    EXPECT_TRUE(page().notice()->isVisible());
    press(Qt::Key_Z, Qt::ControlModifier);
    EXPECT_EQ(plan().plan(), before);
    EXPECT_FALSE(page().notice()->isVisible()) << "its figures are not those of this plan";
}

TEST_F(BudgetTest, AReasonHoldsWhileTheCellIsAsTheSolverLeftIt) {
    openLarge();
    limit(u"Bits per weight"_s, 2.3);
    budget().solveButton()->click();
    ASSERT_TRUE(solved());
    const CellDifference solvedCell = page().comparison().differences().front();
    ASSERT_FALSE(solvedCell.reason.isEmpty());
    const double other = solvedCell.here.bits == 4 ? 3 : 4;
    plan().setCellBits(solvedCell.cell, other);
    EXPECT_EQ(page().comparison().reasonOf(solvedCell.cell), QString());
    const QAbstractItemModel& table = *page().differences()->table()->model();
    const auto why = [&] { return table.index(0, DifferenceModel::Why).data().toString(); };
    EXPECT_EQ(why(), u"by hand"_s);
    press(Qt::Key_Z, Qt::ControlModifier);
    EXPECT_EQ(page().comparison().reasonOf(solvedCell.cell), solvedCell.reason);
    page().comparison().begin(u"a file"_s, Plan());
    ASSERT_GT(table.rowCount(), 0);
    EXPECT_EQ(why(), QString()) << "who changed what is not known of a file";
}

TEST_F(BudgetTest, UntouchedCellsPayForAStroke) {
    openLarge();
    limit(u"Bits per weight"_s, 2.3);
    budget().solveButton()->click();
    ASSERT_TRUE(solved());
    click({40, Module::UpProj});
    press(Qt::Key_4);
    const CellSettings painted = plan().settingsOf({40, Module::UpProj});
    press(Qt::Key_C); // the column tool
    press(Qt::Key_4);
    click({2, Module::QProj});
    ASSERT_GT(plan().size().bitsPerWeight, 2.3);
    EXPECT_TRUE(budget().stateText().contains(u"over"_s));
    press(Qt::Key_H, Qt::ControlModifier);
    ASSERT_TRUE(solved());
    EXPECT_LE(plan().size().bitsPerWeight, 2.3);
    EXPECT_EQ(plan().settingsOf({40, Module::UpProj}), painted);
    EXPECT_EQ(plan().settingsOf({2, Module::DownProj}).bits, 4);
    EXPECT_EQ(plan().undoStack().undoText(), u"Heal"_s);
}

TEST_F(BudgetTest, WhatWasChosenIsThereAgainAtTheNextStart) {
    openDemo();
    window().setMode(Mode::Plan);
    limit(u"GPU memory"_s, 0.25);
    budget().contextBox()->setCurrentIndex(0);
    Q_EMIT budget().contextBox()->activated(0);
    const AllocationTarget chosen = page().solver().target();
    startAgain();
    EXPECT_EQ(budget().kindBox()->currentText(), u"GPU memory"_s);
    EXPECT_EQ(budget().amountBox()->value(), 0.25);
    EXPECT_EQ(page().solver().target().value, chosen.value);
    EXPECT_EQ(page().solver().target().contextLength, chosen.contextLength);
    EXPECT_FALSE(budget().stateText().isEmpty());
    openLarge();
    EXPECT_NE(budget().amountBox()->value(), 0.25) << "chosen for another model";
}

TEST_F(BudgetTest, DamagedSettingsAreNoBudget) {
    openDemo();
    const double present = budget().amountBox()->value();
    const QString key = u"budget/"_s + window().session().facts()->fingerprint;
    for (const QStringList& damaged : {QStringList{},
                                       {u"9"_s, u"1"_s, u"512"_s, u"16"_s},
                                       {u"0"_s, u"nan"_s, u"512"_s, u"16"_s},
                                       {u"0"_s, u"-1"_s, u"512"_s, u"16"_s},
                                       {u"0"_s, u"5"_s}}) {
        QSettings().setValue(key, damaged);
        startAgain();
        EXPECT_EQ(budget().kindBox()->currentText(), u"Size"_s);
        EXPECT_EQ(budget().amountBox()->value(), present) << damaged.join(u' ').toStdString();
    }
}

TEST_F(BudgetTest, AnImpossibleBudgetIsExplained) {
    openLarge();
    const Plan before = plan().plan();
    limit(u"GPU memory"_s, 3);
    budget().solveButton()->click();
    ASSERT_TRUE(solved());
    EXPECT_TRUE(page().banner()->isVisible());
    EXPECT_TRUE(page().banner()->sentence().contains(u"GiB"_s))
        << page().banner()->sentence().toStdString();
    EXPECT_EQ(plan().plan(), before);
}

TEST_F(BudgetTest, TheCurveOfBestPlansIsClickedForAPlan) {
    openLarge();
    auto* tabs = page().findChild<QTabWidget*>();
    tabs->setCurrentWidget(page().front());
    ASSERT_TRUE(solved());
    Plot* plot = page().front()->plot();
    ASSERT_TRUE(QTest::qWaitFor([&] { return plot->graphCount() == 2; }, kPatience));
    EXPECT_GT(plot->graph(0)->dataCount(), 10);
    EXPECT_EQ(plot->graph(1)->dataCount(), 1) << "this plan";
    const int64_t before = plan().size().total();
    plot->replot();
    const double middle = plot->xAxis->coordToPixel(plot->xAxis->range().center());
    QTest::mouseClick(plot, Qt::LeftButton, {},
                      QPoint(static_cast<int>(middle), plot->axisRect()->rect().center().y()));
    ASSERT_TRUE(solved());
    EXPECT_NE(plan().size().total(), before);
    EXPECT_LE(static_cast<double>(plan().size().total()),
              budget().amountBox()->value() * kGigabyte + 1);
}

TEST_F(BudgetTest, DraggingTheRankLineIsOneStep) {
    openLarge();
    const Cell cell{10, Module::GateProj};
    click(cell);
    Plot* plot = window().cellPanel()->spectra();
    ASSERT_TRUE(plot->isVisible());
    plot->replot();
    const auto at = [&](double rank) {
        return QPoint(static_cast<int>(std::lround(plot->xAxis->coordToPixel(rank))),
                      plot->axisRect()->rect().center().y());
    };
    const Plan before = plan().plan();
    const int rank = plan().settingsOf(cell).rank;
    QTest::mousePress(plot, Qt::LeftButton, {}, at(rank));
    for (const double to : {80.0, 100.0, 127.0}) {
        QMouseEvent move(QEvent::MouseMove, at(to), plot->mapToGlobal(at(to)), Qt::NoButton,
                         Qt::LeftButton, {});
        QApplication::sendEvent(plot, &move);
    }
    QTest::mouseRelease(plot, Qt::LeftButton, {}, at(127));
    EXPECT_EQ(plan().settingsOf(cell).rank, 128);
    EXPECT_EQ(plan().undoStack().count(), 1);
    press(Qt::Key_Z, Qt::ControlModifier);
    EXPECT_EQ(plan().plan(), before);
}

TEST_F(BudgetTest, TheCellPanelSetsBitsAndCodec) {
    openLarge();
    const Cell cell{10, Module::GateProj};
    click(cell);
    for (QComboBox* box : window().cellPanel()->findChildren<QComboBox*>()) {
        const bool codec = box->findText(u"e8p"_s) >= 0;
        box->setCurrentIndex(codec ? box->findText(u"e8p"_s) : box->findData(3.0));
        Q_EMIT box->activated(box->currentIndex());
    }
    EXPECT_EQ(plan().settingsOf(cell).codecId(), "e8p-3");
    EXPECT_EQ(plan().settingsOf({10, Module::UpProj}).codec, "e8p") << "shares the input";
}

} // namespace
} // namespace caldera::studio
