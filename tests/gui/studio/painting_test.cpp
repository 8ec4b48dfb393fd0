// Painting and editing the plan on the heatmap, by keys and mouse, in the real window.
#include <QClipboard>
#include <QComboBox>
#include <QSignalSpy>
#include <QSpinBox>
#include <QToolButton>

#include <array>
#include <random>

#include "tests/gui/pictures.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/heatmap/heatmap_strokes.h"
#include "widgets/heatmap/paint_bar.h"
#include "widgets/models/plan_clipboard.h"
#include "widgets/plan_view/plan_settings.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/key_help.h"
#include "widgets/support/notice_bar.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class PaintingTest : public StudioFixture {};

TEST_F(PaintingTest, TheBrushPaintsWhatItTouchesAsOneStep) {
    openDemo();
    press(Qt::Key_B);
    press(Qt::Key_4);
    drag({{1, Module::QProj}, {3, Module::QProj}, {3, Module::VProj}});
    for (const Cell cell : {Cell{1, Module::QProj}, Cell{2, Module::QProj}, Cell{3, Module::KProj},
                            Cell{3, Module::VProj}}) {
        EXPECT_EQ(plan().settingsOf(cell).bits, 4) << cellName(cell);
    }
    EXPECT_EQ(plan().settingsOf({2, Module::KProj}).bits, 2);
    EXPECT_EQ(plan().undoStack().count(), 1);
    EXPECT_TRUE(plan().undoStack().undoText().contains(QStringLiteral("4 bits")));
    press(Qt::Key_Z, Qt::ControlModifier);
    EXPECT_EQ(plan().settingsOf({1, Module::QProj}).bits, 2);
    press(Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
    EXPECT_EQ(plan().settingsOf({1, Module::QProj}).bits, 4);
}

TEST_F(PaintingTest, TheBoxShowsWhatItWillPaintAndPaintsItOnRelease) {
    openDemo();
    press(Qt::Key_X);
    press(Qt::Key_3);
    QTest::mousePress(view().viewport(), Qt::LeftButton, {}, centerOf({1, Module::KProj}));
    QMouseEvent move(QEvent::MouseMove, centerOf({4, Module::OProj}),
                     view().viewport()->mapToGlobal(centerOf({4, Module::OProj})), Qt::NoButton,
                     Qt::LeftButton, {});
    QApplication::sendEvent(view().viewport(), &move);
    EXPECT_EQ(view().preview().size(), 12U);
    EXPECT_EQ(plan().undoStack().count(), 0);
    QTest::mouseRelease(view().viewport(), Qt::LeftButton, {}, centerOf({4, Module::OProj}));
    EXPECT_EQ(plan().settingsOf({4, Module::OProj}).bits, 3);
    EXPECT_EQ(plan().plan().layerOverrides.size(), 12U);
}

TEST_F(PaintingTest, EscapeTakesBackTheStrokeThenLeavesTheTool) {
    openDemo();
    const Plan before = plan().plan();
    press(Qt::Key_B);
    QTest::mousePress(view().viewport(), Qt::LeftButton, {}, centerOf({1, Module::KProj}));
    EXPECT_NE(plan().plan(), before);
    press(Qt::Key_Escape);
    EXPECT_EQ(plan().plan(), before);
    QTest::mouseRelease(view().viewport(), Qt::LeftButton, {}, centerOf({1, Module::KProj}));
    EXPECT_EQ(plan().plan(), before);
    EXPECT_EQ(paint().reach().tool, PaintTool::Brush);
    press(Qt::Key_Escape);
    EXPECT_EQ(paint().reach().tool, PaintTool::Select);
}

TEST_F(PaintingTest, EscapeInABoxLeavesWhatWasDoneMeanwhile) {
    openDemo();
    press(Qt::Key_X);
    QTest::mousePress(view().viewport(), Qt::LeftButton, {}, centerOf({1, Module::KProj}));
    Plan solved = plan().plan();
    solved.defaults.rank = 32;
    plan().take(QStringLiteral("Solve"), solved); // a solver that was at work has ended
    press(Qt::Key_Escape);
    EXPECT_EQ(plan().plan(), solved);
    EXPECT_EQ(plan().undoStack().index(), 1);
}

TEST_F(PaintingTest, ALockedCellCountsOnceHoweverOftenTheBrushMeetsIt) {
    openDemo();
    plan().setCellLocked({2, Module::QProj}, true);
    press(Qt::Key_B);
    press(Qt::Key_4);
    QSignalSpy met(window().findChild<HeatmapStrokes*>(), &HeatmapStrokes::leftAlone);
    drag({{1, Module::QProj}, {3, Module::QProj}, {1, Module::QProj}, {2, Module::QProj}});
    ASSERT_EQ(met.count(), 1);
    EXPECT_EQ(met.front().front().toInt(), 1);
    EXPECT_EQ(plan().settingsOf({2, Module::QProj}).bits, 2);
    EXPECT_EQ(plan().settingsOf({3, Module::QProj}).bits, 4);
}

TEST_F(PaintingTest, RowsColumnsAndRolesTakeOneClick) {
    openDemo();
    press(Qt::Key_R);
    press(Qt::Key_3);
    click({2, Module::UpProj});
    EXPECT_EQ(plan().plan().layerOverrides.size(), 8U);
    press(Qt::Key_C);
    click({5, Module::QProj});
    EXPECT_EQ(plan().plan().layerOverrides.size(), 14U);
    press(Qt::Key_G);
    press(Qt::Key_N); // every second layer
    click({0, Module::KProj});
    EXPECT_EQ(plan().settingsOf({2, Module::VProj}).bits, 3);
    EXPECT_EQ(plan().settingsOf({1, Module::VProj}).bits, 2);
    press(Qt::Key_B);
    press(Qt::Key_M);
    press(Qt::Key_4);
    click({0, Module::DownProj});
    EXPECT_EQ(plan().settingsOf({6, Module::DownProj}).bits, 2) << "every second layer";
    press(Qt::Key_N);
    press(Qt::Key_N);
    press(Qt::Key_N);
    EXPECT_EQ(paint().reach().every, 1);
    click({1, Module::DownProj});
    EXPECT_EQ(plan().settingsOf({6, Module::DownProj}).bits, 4) << "the mirror of layer 1";
}

TEST_F(PaintingTest, TheBarChoosesWhatIsPainted) {
    openDemo();
    PaintBar* bar = window().planView()->paintBar();
    for (QToolButton* button : bar->findChildren<QToolButton*>()) {
        if (button->defaultAction() != nullptr &&
            button->defaultAction()->shortcut() == QKeySequence(Qt::Key_B)) {
            QTest::mouseClick(button, Qt::LeftButton);
        }
    }
    ASSERT_EQ(paint().reach().tool, PaintTool::Brush);
    bar->whatBox()->setFocus();
    QTest::keyClicks(bar->whatBox(), QStringLiteral("R")); // Rank
    Q_EMIT bar->whatBox()->activated(bar->whatBox()->currentIndex());
    bar->rankBox()->setValue(32);
    click({3, Module::GateProj});
    EXPECT_EQ(plan().settingsOf({3, Module::GateProj}).rank, 32);
    view().setFocus();
    press(Qt::Key_K);
    const std::string codec = paint().codec();
    click({3, Module::GateProj});
    EXPECT_EQ(plan().settingsOf({3, Module::UpProj}).codec, codec) << "shares the input";
    press(Qt::Key_L);
    click({3, Module::GateProj});
    EXPECT_TRUE(plan().settingsOf({3, Module::GateProj}).locked);
    press(Qt::Key_S);
    click({4, Module::GateProj});
    EXPECT_TRUE(plan().settingsOf({4, Module::GateProj}).skip);
}

TEST_F(PaintingTest, KeysEditTheSelection) {
    openDemo();
    click({1, Module::QProj});
    press(Qt::Key_Right, Qt::ShiftModifier);
    press(Qt::Key_Down, Qt::ShiftModifier);
    ASSERT_EQ(view().selectedCells().size(), 4U);
    press(Qt::Key_3);
    EXPECT_EQ(plan().plan().layerOverrides.size(), 4U);
    EXPECT_EQ(plan().settingsOf({2, Module::KProj}).bits, 3);
    press(Qt::Key_Plus);
    EXPECT_EQ(plan().settingsOf({2, Module::KProj}).bits, 4);
    press(Qt::Key_Minus);
    press(Qt::Key_Minus);
    EXPECT_EQ(plan().settingsOf({2, Module::KProj}).bits, 2.5);
    press(Qt::Key_1);
    EXPECT_EQ(plan().settingsOf({2, Module::KProj}).bits, 1.5);
    const int rank = plan().settingsOf({1, Module::QProj}).rank;
    const int steps = plan().undoStack().count();
    press(Qt::Key_BracketRight);
    press(Qt::Key_BracketRight);
    EXPECT_EQ(plan().settingsOf({1, Module::QProj}).rank, rank + 32);
    EXPECT_EQ(plan().undoStack().count(), steps + 1) << "repeated keys are one step";
    press(Qt::Key_0);
    EXPECT_EQ(plan().settingsOf({1, Module::QProj}).rank, 0);
    press(Qt::Key_S);
    EXPECT_TRUE(plan().settingsOf({2, Module::KProj}).skip);
    press(Qt::Key_S);
    EXPECT_FALSE(plan().settingsOf({2, Module::KProj}).skip);
    press(Qt::Key_K);
    EXPECT_NE(plan().settingsOf({2, Module::VProj}).codec, "trellis");
    press(Qt::Key_Escape);
    EXPECT_TRUE(view().selectedCells().empty());
}

TEST_F(PaintingTest, SpacePaintsTheSelection) {
    openDemo();
    press(Qt::Key_A, Qt::ControlModifier);
    ASSERT_EQ(view().selectedCells().size(), 56U);
    paint().paintBits(2.5);
    press(Qt::Key_Space);
    EXPECT_EQ(plan().settingsOf({7, Module::DownProj}).bits, 2.5);
    EXPECT_EQ(plan().undoStack().count(), 1);
}

TEST_F(PaintingTest, ToolsPaintFromTheKeyboardToo) {
    openDemo();
    const auto go = [this](Cell cell) {
        view().setCurrentIndex(window().planView()->heatmap()->grid().indexOf(cell));
    };
    go({2, Module::KProj});
    press(Qt::Key_R);
    press(Qt::Key_3);
    press(Qt::Key_Down);
    EXPECT_EQ(view().preview().size(), 8U) << "what Space would paint";
    press(Qt::Key_Space);
    EXPECT_EQ(plan().plan().layerOverrides.size(), 8U);
    EXPECT_EQ(plan().settingsOf({7, Module::VProj}).bits, 3);
    press(Qt::Key_C);
    press(Qt::Key_Right);
    press(Qt::Key_Space);
    EXPECT_EQ(plan().settingsOf({3, Module::DownProj}).bits, 3);
    press(Qt::Key_G);
    press(Qt::Key_N);
    press(Qt::Key_4);
    go({1, Module::UpProj});
    press(Qt::Key_Space);
    EXPECT_EQ(plan().settingsOf({7, Module::GateProj}).bits, 4) << "every second layer from 1";
    EXPECT_EQ(plan().settingsOf({2, Module::GateProj}).bits, 2);
    press(Qt::Key_B);
    press(Qt::Key_M);
    go({1, Module::OProj});
    press(Qt::Key_Right, Qt::ShiftModifier);
    press(Qt::Key_Right, Qt::ShiftModifier);
    press(Qt::Key_Space);
    for (const int layer : {1, 3, 4, 6}) { // of 1 to 3, and their mirrors
        EXPECT_EQ(plan().settingsOf({layer, Module::OProj}).bits, 4) << layer;
    }
    EXPECT_EQ(plan().settingsOf({2, Module::OProj}).bits, 2);
    EXPECT_EQ(plan().undoStack().count(), 4);
    press(Qt::Key_Escape);
    EXPECT_TRUE(view().preview().empty());
}

TEST_F(PaintingTest, TheOutlineOfTheKeyboardComesBackWhenTheMouseLeaves) {
    openDemo();
    view().setCurrentIndex(window().planView()->heatmap()->grid().indexOf({2, Module::KProj}));
    press(Qt::Key_C);
    press(Qt::Key_Right);
    const std::vector<Cell> reached = view().preview();
    ASSERT_EQ(reached.size(), 7U);
    ASSERT_EQ(reached.front().layer, 3);
    const QPoint elsewhere = centerOf({6, Module::UpProj});
    QMouseEvent move(QEvent::MouseMove, elsewhere, view().viewport()->mapToGlobal(elsewhere),
                     Qt::NoButton, Qt::NoButton, {});
    QApplication::sendEvent(view().viewport(), &move);
    ASSERT_EQ(view().preview().front().layer, 6) << "what the mouse would paint";
    QEvent leave(QEvent::Leave);
    QApplication::sendEvent(view().viewport(), &leave);
    EXPECT_EQ(view().preview(), reached);
    EXPECT_EQ(view().shownCell(), (Cell{3, Module::KProj}));
    window().planView()->heatmap()->metricBox()->setFocus();
    EXPECT_TRUE(view().preview().empty()) << "Space paints nothing there";
    view().setFocus();
    EXPECT_EQ(view().preview(), reached);
}

TEST_F(PaintingTest, LockedCellsAreLeftAloneAndSaidSo) {
    openDemo();
    click({2, Module::UpProj});
    press(Qt::Key_L);
    press(Qt::Key_4);
    EXPECT_EQ(plan().settingsOf({2, Module::UpProj}).bits, 2);
    EXPECT_TRUE(window().planView()->notice()->sentence().contains(QStringLiteral("locked")));
    press(Qt::Key_L);
    press(Qt::Key_4);
    EXPECT_EQ(plan().settingsOf({2, Module::UpProj}).bits, 4);
}

TEST_F(PaintingTest, SettingsAreCopiedAndPasted) {
    openDemo();
    click({2, Module::UpProj});
    press(Qt::Key_4);
    press(Qt::Key_C, Qt::ControlModifier);
    EXPECT_TRUE(QGuiApplication::clipboard()->text().contains(
        QStringLiteral("model.layers.2.mlp.up_proj: {bq: 4")));
    click({5, Module::DownProj});
    press(Qt::Key_V, Qt::ControlModifier);
    EXPECT_EQ(plan().settingsOf({5, Module::DownProj}).bits, 4);
}

TEST_F(PaintingTest, AWholePlanIsCopiedAndPasted) {
    openDemo();
    click({2, Module::UpProj});
    press(Qt::Key_4);
    const Plan edited = plan().plan();
    press(Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
    press(Qt::Key_Z, Qt::ControlModifier);
    ASSERT_NE(plan().plan(), edited);
    press(Qt::Key_V, Qt::ControlModifier);
    EXPECT_EQ(plan().plan(), edited);
    QGuiApplication::clipboard()->setText(QStringLiteral("no plan"));
    press(Qt::Key_V, Qt::ControlModifier);
    EXPECT_EQ(plan().plan(), edited);
    EXPECT_TRUE(window().planView()->banner()->sentence().contains(QStringLiteral("clipboard")));
}

TEST_F(PaintingTest, TheCommonBitsAreChosenAboveTheHeatmap) {
    openDemo();
    QComboBox* bits = window().planView()->settings()->bitsBox();
    EXPECT_EQ(bits->currentData().toDouble(), 2);
    bits->setFocus();
    press(Qt::Key_Down);
    EXPECT_EQ(plan().settingsOf({0, Module::QProj}).bits, 2.5);
    press(Qt::Key_Z, Qt::ControlModifier);
    EXPECT_EQ(bits->currentData().toDouble(), 2);
}

TEST_F(PaintingTest, MixedSettingsAreCalledSo) {
    openDemo();
    QComboBox* bits = window().planView()->settings()->bitsBox();
    QSpinBox* rank = window().planView()->settings()->rankBox();
    plan().setCommonRank(32);
    EXPECT_EQ(rank->text(), QStringLiteral("32"));
    click({1, Module::UpProj});
    press(Qt::Key_4);
    press(Qt::Key_0);
    EXPECT_EQ(bits->currentIndex(), -1);
    EXPECT_EQ(bits->placeholderText(), QStringLiteral("mixed"));
    EXPECT_EQ(rank->text(), QStringLiteral("mixed"));
    const Plan before = plan().plan();
    rank->stepUp();
    EXPECT_EQ(plan().settingsOf({1, Module::UpProj}).rank, 32) << "the common one";
    EXPECT_EQ(rank->text(), QStringLiteral("32"));
    plan().undoStack().undo();
    EXPECT_EQ(plan().plan(), before);
    EXPECT_EQ(rank->text(), QStringLiteral("mixed"));
}

TEST_F(PaintingTest, TheKeysAreListedAndAnyKeyClosesTheList) {
    openDemo();
    press(Qt::Key_F1);
    KeyHelp* help = window().planView()->keyHelp();
    ASSERT_TRUE(help->isVisible());
    EXPECT_TRUE(window().planView()->rect().contains(help->geometry()));
    const Plan before = plan().plan();
    press(Qt::Key_3);
    EXPECT_FALSE(help->isVisible());
    EXPECT_EQ(plan().plan(), before);
    EXPECT_EQ(QApplication::focusWidget(), &view());
}

TEST_F(PaintingTest, KeysOfOtherModesEditNothing) {
    openDemo();
    click({2, Module::UpProj});
    const Plan before = plan().plan();
    window().setMode(Mode::Model);
    for (QAction* action : window().planView()->editor()->commands().at(1).actions) {
        action->trigger();
    }
    EXPECT_EQ(plan().plan(), before);
}

/// A monkey at keyboard and mouse. What it did can be undone to the last byte, and done again.
TEST_F(PaintingTest, WhateverIsTypedAndDrawnCanBeUndone) {
    openDemo();
    const std::string before = printPlan(plan().plan());
    const unsigned seed = 20261126;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&random](int count) {
        return static_cast<int>(random() % static_cast<unsigned>(count));
    };
    const auto anyCell = [&] { return Cell{pick(8), kModules.at(static_cast<size_t>(pick(7)))}; };
    constexpr std::array kKeys = {Qt::Key_V,      Qt::Key_B,           Qt::Key_X,
                                  Qt::Key_R,      Qt::Key_C,           Qt::Key_G,
                                  Qt::Key_M,      Qt::Key_N,           Qt::Key_1,
                                  Qt::Key_2,      Qt::Key_3,           Qt::Key_4,
                                  Qt::Key_0,      Qt::Key_L,           Qt::Key_S,
                                  Qt::Key_K,      Qt::Key_BracketLeft, Qt::Key_BracketRight,
                                  Qt::Key_Plus,   Qt::Key_Minus,       Qt::Key_Space,
                                  Qt::Key_Escape, Qt::Key_Left,        Qt::Key_Down};
    for (int step = 0; step < 400; ++step) {
        switch (pick(8)) {
        case 0:
            click(anyCell(), pick(3) == 0 ? Qt::ShiftModifier : Qt::NoModifier);
            break;
        case 1:
        case 2:
            drag({anyCell(), anyCell(), anyCell()});
            break;
        case 3:
            press(Qt::Key_Z,
                  pick(3) == 0 ? Qt::ControlModifier | Qt::ShiftModifier : Qt::ControlModifier);
            break;
        case 4:
            press(Qt::Key_C, Qt::ControlModifier);
            press(Qt::Key_V, Qt::ControlModifier);
            break;
        default:
            press(kKeys.at(static_cast<size_t>(pick(static_cast<int>(kKeys.size())))));
        }
        ASSERT_EQ(plan().size().total(), planSize(plan().plan(), plan().config()).total())
            << "step " << step;
        ASSERT_FALSE(plan().problem().has_value())
            << "step " << step << ": " << plan().problem()->sentence.toStdString();
    }
    const std::string after = printPlan(plan().plan());
    EXPECT_NE(after, before);
    const int steps = plan().undoStack().index();
    plan().undoStack().setIndex(0);
    EXPECT_EQ(printPlan(plan().plan()), before);
    plan().undoStack().setIndex(steps);
    EXPECT_EQ(printPlan(plan().plan()), after);
}

TEST_F(PaintingTest, NoMessageMovesACellUnderTheMouse) {
    openDemo();
    window().setMode(Mode::Plan);
    PlanView& page = *window().planView();
    for (const QSize size : {QSize(1024, 700), QSize(1440, 900)}) {
        window().resize(size);
        page.notice()->clear();
        page.banner()->clear();
        QApplication::processEvents();
        // Its height alone: while a window settles, its dock may still take a pixel of the width.
        const auto place = [&] {
            QApplication::processEvents();
            const QRect cell =
                view().visualRect(page.heatmap()->grid().indexOf({5, Module::DownProj}));
            return std::pair(view().viewport()->mapTo(&window(), cell.topLeft()).y(),
                             cell.height());
        };
        const std::pair before = place();
        page.notice()->showNotice(u"info"_s, QString(40, u'x') + QString(u" word"_s).repeated(40));
        EXPECT_EQ(place(), before);
        page.banner()->showFailure({QString(u"A failure "_s).repeated(20), u"test"_s});
        EXPECT_EQ(place(), before);
        EXPECT_GE(page.banner()->height(), page.banner()->heightForWidth(page.banner()->width()));
        EXPECT_GE(page.notice()->height(), page.notice()->heightForWidth(page.notice()->width()));
        picture(window(), u"plan-messages"_s, SchemeChoice::Dark);
    }
    Theme::current().setChoice(SchemeChoice::System);
}

TEST_F(PaintingTest, TheBarHasRoomInASmallWindow) {
    openDemo();
    window().setMode(Mode::Plan);
    window().resize(1024, 700);
    press(Qt::Key_B);
    press(Qt::Key_K);
    press(Qt::Key_A, Qt::ControlModifier);
    QTest::qWait(0);
    const PaintBar& bar = *window().planView()->paintBar();
    EXPECT_LE(bar.minimumSizeHint().width(), bar.width());
    for (const SchemeChoice scheme : {SchemeChoice::Light, SchemeChoice::Dark}) {
        picture(window(), u"plan-selected-1024"_s, scheme);
    }
    Theme::current().setChoice(SchemeChoice::System);
}

} // namespace
} // namespace caldera::studio
