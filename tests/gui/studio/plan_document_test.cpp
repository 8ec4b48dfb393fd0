#include "widgets/models/plan_document.h"

#include <QSignalSpy>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "core/base/error.h"
#include "core/plan/plan_edit.h"
#include "tests/gui/studio/example_model.h"
#include "widgets/models/plan_clipboard.h"

namespace caldera::studio {
namespace {

class PlanDocumentTest : public ::testing::Test {
protected:
    PlanDocumentTest() {
        document_.reset(defaultPlan("example", exampleConfig()), exampleConfig());
    }
    PlanDocument document_;
};

TEST_F(PlanDocumentTest, BeginsWithAPlanThatFitsTheModel) {
    EXPECT_FALSE(document_.problem().has_value());
    EXPECT_GT(document_.size().total(), 0);
    EXPECT_FALSE(document_.undoStack().canUndo());
}

TEST_F(PlanDocumentTest, ACommonRankIsHeldDownWhereAMatrixIsSmaller) {
    document_.setCommonRank(128);
    EXPECT_EQ(document_.settingsOf({1, Module::QProj}).rank, 128);
    EXPECT_EQ(document_.settingsOf({1, Module::KProj}).rank, 64); // 64 x 192
    EXPECT_FALSE(document_.problem().has_value());
    document_.setCommonRank(32);
    EXPECT_EQ(document_.settingsOf({1, Module::KProj}).rank, 32);
}

TEST_F(PlanDocumentTest, ALockedCellDoesNotFollowThePlan) {
    const Cell cell{2, Module::DownProj};
    document_.setCommonRank(64);
    document_.setCellLocked(cell, true);
    document_.setCommonRank(16);
    EXPECT_EQ(document_.settingsOf(cell).rank, 64);
    EXPECT_EQ(document_.settingsOf({1, Module::DownProj}).rank, 16);
}

TEST_F(PlanDocumentTest, ASkippedCellCostsSixteenBits) {
    const int64_t before = document_.size().cellBytes;
    document_.setCellSkipped({0, Module::UpProj}, true);
    EXPECT_GT(document_.size().cellBytes, before);
}

TEST_F(PlanDocumentTest, StepsOfOneGestureAreUndoneTogether) {
    const Plan before = document_.plan();
    for (const int rank : {16, 32, 48}) {
        document_.setCellRank({0, Module::OProj}, rank);
    }
    EXPECT_EQ(document_.undoStack().count(), 1);
    document_.undoStack().undo();
    EXPECT_EQ(document_.plan(), before);
}

TEST_F(PlanDocumentTest, NothingChangedIsNoStep) {
    QSignalSpy changed(&document_, &PlanDocument::changed);
    document_.setEmbeddingBits(document_.plan().embeddingBits);
    EXPECT_EQ(document_.undoStack().count(), 0);
    EXPECT_EQ(changed.count(), 0);
}

TEST_F(PlanDocumentTest, ManyCellsAreOneStep) {
    const std::string before = printPlan(document_.plan());
    CellEdit edit;
    edit.bits = 3;
    edit.rank = 32;
    document_.editCells(QStringLiteral("Paint"), editsOf(allCells(4), edit));
    EXPECT_EQ(document_.settingsOf({3, Module::UpProj}).bits, 3);
    EXPECT_EQ(document_.settingsOf({0, Module::KProj}).rank, 32);
    EXPECT_EQ(document_.undoStack().count(), 1);
    EXPECT_EQ(document_.size().total(), planSize(document_.plan(), exampleConfig()).total());
    document_.undoStack().undo();
    EXPECT_EQ(printPlan(document_.plan()), before);
}

TEST_F(PlanDocumentTest, AStrokeIsOneStepAndTheNextIsAnother) {
    CellEdit edit;
    edit.bits = 4;
    for (int stroke = document_.newStroke(), layer = 0; layer < 4; ++layer) {
        document_.editCells(QStringLiteral("Paint"), {{{layer, Module::OProj}, edit}}, stroke);
    }
    EXPECT_EQ(document_.undoStack().count(), 1);
    document_.editCells(QStringLiteral("Paint"), {{{0, Module::QProj}, edit}},
                        document_.newStroke());
    EXPECT_EQ(document_.undoStack().count(), 2);
    document_.undoStack().undo();
    document_.undoStack().undo();
    EXPECT_EQ(document_.plan(), defaultPlan("example", exampleConfig()));
}

TEST_F(PlanDocumentTest, ACodecIsTakenByTheWholeInputGroupWithBitsThatItHas) {
    CellEdit edit;
    edit.bits = 1.5;
    document_.editCells(QStringLiteral("Paint"), {{{1, Module::QProj}, edit}});
    CellEdit codec;
    codec.codec = "e8p";
    document_.editCells(QStringLiteral("Paint"), {{{1, Module::KProj}, codec}});
    for (const Module module : {Module::QProj, Module::KProj, Module::VProj}) {
        EXPECT_EQ(document_.settingsOf({1, module}).codecId(), "e8p-2");
    }
    EXPECT_EQ(document_.settingsOf({1, Module::OProj}).codec, "trellis");
    EXPECT_FALSE(document_.problem().has_value());
}

TEST_F(PlanDocumentTest, PaintLeavesLockedCellsAlone) {
    const Cell locked{1, Module::GateProj};
    document_.setCellLocked(locked, true);
    const CellSettings before = document_.settingsOf(locked);
    CellEdit edit;
    edit.bits = 4;
    edit.codec = "scalar";
    const int leftAlone = document_.editCells(
        QStringLiteral("Paint"), editsOf({locked, {1, Module::UpProj}, {2, Module::UpProj}}, edit));
    EXPECT_EQ(document_.settingsOf(locked), before);
    EXPECT_EQ(document_.settingsOf({1, Module::UpProj}).codec, "trellis") << "shares its input";
    EXPECT_EQ(document_.settingsOf({1, Module::UpProj}).bits, 4);
    EXPECT_EQ(document_.settingsOf({2, Module::UpProj}).codec, "scalar");
    EXPECT_EQ(leftAlone, 2);
    document_.setCellLocked(locked, false);
    EXPECT_EQ(document_.settingsOf(locked).rank, before.rank);
}

TEST_F(PlanDocumentTest, PaintingWhatThePlanSaysAnywayLeavesNoTrace) {
    CellEdit edit;
    edit.bits = 3;
    document_.editCells(QStringLiteral("Paint"), {{{1, Module::OProj}, edit}});
    EXPECT_EQ(document_.plan().layerOverrides.size(), 1U);
    edit.bits = 2;
    document_.editCells(QStringLiteral("Paint"), {{{1, Module::OProj}, edit}});
    EXPECT_EQ(document_.plan(), defaultPlan("example", exampleConfig()));
}

TEST_F(PlanDocumentTest, CommonBitsLeaveLockedCellsAndLawfulCodecs) {
    document_.setCellLocked({0, Module::DownProj}, true);
    CellEdit codec;
    codec.codec = "scalar";
    document_.editCells(QStringLiteral("Paint"), {{{2, Module::OProj}, codec}});
    document_.setCommonBits(2.5);
    EXPECT_EQ(document_.settingsOf({0, Module::DownProj}).bits, 2);
    EXPECT_EQ(document_.settingsOf({1, Module::DownProj}).bits, 2.5);
    EXPECT_EQ(document_.settingsOf({2, Module::OProj}).bits, 3) << "no scalar code has 2.5";
    EXPECT_FALSE(document_.problem().has_value());
}

TEST_F(PlanDocumentTest, CopiedCellsComeBackElsewhere) {
    CellEdit edit;
    edit.bits = 3;
    edit.rank = 48;
    document_.editCells(QStringLiteral("Paint"), {{{0, Module::GateProj}, edit}});
    const QString text = cellsText(document_.cells(), {{0, Module::GateProj}, {0, Module::UpProj}});
    const PastedSettings pasted = parsePasted(text);
    ASSERT_EQ(pasted.cells.size(), 2U);
    document_.editCells(QStringLiteral("Paste"),
                        placedEdits(pasted.cells, {{2, Module::GateProj}}, 4));
    EXPECT_EQ(document_.settingsOf({2, Module::GateProj}).bits, 3);
    EXPECT_EQ(document_.settingsOf({2, Module::GateProj}).rank, 48);
    EXPECT_EQ(document_.settingsOf({2, Module::UpProj}).bits, 2);
    // Over the edge: what has no place is left out.
    EXPECT_EQ(placedEdits(pasted.cells, {{3, Module::DownProj}}, 4).size(), 1U);
    EXPECT_TRUE(placedEdits(pasted.cells, {}, 4).empty());
}

TEST_F(PlanDocumentTest, OneCopiedCellGoesToAllTargets) {
    const PastedSettings pasted =
        parsePasted(cellsText(document_.cells(), {{0, Module::GateProj}}));
    EXPECT_EQ(placedEdits(pasted.cells, allCells(4), 4).size(), 28U);
}

TEST_F(PlanDocumentTest, APastedPlanKeepsTheModel) {
    Plan other = defaultPlan("elsewhere", exampleConfig());
    other.defaults.bits = 3;
    const PastedSettings pasted = parsePasted(QString::fromStdString(printPlan(other)));
    ASSERT_TRUE(pasted.plan.has_value());
    document_.replace(QStringLiteral("Paste the plan"), *pasted.plan);
    EXPECT_EQ(document_.plan().model, "example");
    EXPECT_EQ(document_.settingsOf({0, Module::QProj}).bits, 3);
    EXPECT_EQ(document_.undoStack().count(), 1);
}

TEST_F(PlanDocumentTest, ForeignTextOnTheClipboardIsExplained) {
    for (const QString& text :
         {QString(), QStringLiteral("hello"), QStringLiteral("caldera:\n  layer_overrides: [1, 2"),
          QStringLiteral("caldera:\n  bq: {a: b}"), QString(5 << 20, u'x')}) {
        EXPECT_THROW(parsePasted(text), Error) << text.left(80).toStdString();
    }
}

TEST_F(PlanDocumentTest, KnowsWhatIsSaved) {
    QSignalSpy told(&document_, &PlanDocument::fileChanged);
    EXPECT_FALSE(document_.modified());
    document_.setEmbeddingBits(8);
    EXPECT_TRUE(document_.modified());
    const Plan then = document_.plan();
    document_.setEmbeddingBits(4); // while the file was being written
    document_.markSaved(QStringLiteral("/plans/a.yaml"), then);
    EXPECT_TRUE(document_.modified());
    document_.markSaved(QStringLiteral("/plans/a.yaml"), document_.plan());
    EXPECT_FALSE(document_.modified());
    document_.undoStack().undo();
    EXPECT_TRUE(document_.modified());
    EXPECT_GE(told.count(), 4);
    EXPECT_EQ(document_.file(), QStringLiteral("/plans/a.yaml"));
}

TEST_F(PlanDocumentTest, AStepThatOpenedAFileComesBackWithTheFileItWasSavedAs) {
    Plan opened = document_.plan();
    opened.embeddingBits = 4;
    document_.open(opened, QStringLiteral("/plans/a.yaml"));
    document_.setEmbeddingBits(8);
    document_.markSaved(QStringLiteral("/plans/b.yaml"), document_.plan());
    document_.undoStack().undo();
    document_.undoStack().undo();
    EXPECT_EQ(document_.file(), QString());
    document_.undoStack().redo();
    document_.undoStack().redo();
    EXPECT_EQ(document_.file(), QStringLiteral("/plans/b.yaml"));
    EXPECT_EQ(document_.saved().embeddingBits, 8);
    EXPECT_FALSE(document_.modified());
}

TEST_F(PlanDocumentTest, WhatWasGivenIsWhatWasSolvedOrOpenedLast) {
    const Plan first = document_.plan();
    document_.setEmbeddingBits(8);
    EXPECT_EQ(document_.given(), first);
    Plan solved = document_.plan();
    solved.headBits = 8;
    document_.takeSolved(QStringLiteral("Solve"), solved);
    document_.setEmbeddingBits(4);
    document_.markSaved(QStringLiteral("/plans/a.yaml"), document_.plan());
    EXPECT_EQ(document_.given(), solved) << "a saved stroke is a stroke";
    document_.undoStack().undo();
    document_.undoStack().undo();
    EXPECT_EQ(document_.given(), first) << "that solution was taken back";
    document_.undoStack().redo();
    EXPECT_EQ(document_.given(), solved);
    document_.setEmbeddingBits(4);
    const Plan healed = document_.plan();
    document_.takeSolved(QStringLiteral("Heal"), healed);
    EXPECT_EQ(document_.given(), healed) << "also where there was nothing to change";
}

/// As a solver sets them: the cells of a module alike, so that they become a pattern, and some not.
Plan solvedAtRandom(const PlanDocument& document, std::mt19937& random) {
    std::map<Cell, BitsAndRank> wanted;
    for (const Module module : kModules) {
        const BitsAndRank common{
            2.0 + static_cast<double>(random() % 3),
            std::min<int>(static_cast<int>(random() % 5) * 16, document.largestRank(module))};
        for (int layer = 0; layer < document.config().layerCount; ++layer) {
            const CellSettings& now = document.settingsOf({layer, module});
            const bool isFree = !now.locked && !now.skip && now.codec == "trellis";
            if (isFree && random() % 4 != 0) {
                wanted[{layer, module}] = common;
            }
        }
    }
    return withBitsAndRanks(document.plan(), document.config(), wanted);
}

/// Any edit that the window offers, on a random cell or several.
void editAtRandom(PlanDocument& document, std::mt19937& random) {
    const auto pick = [&random](size_t count) { return random() % count; };
    const Cell cell{static_cast<int>(pick(4)), kModules.at(pick(kModules.size()))};
    const std::array families = {"trellis", "e8p", "scalar", "nf"};
    switch (pick(9)) {
    case 0:
        document.setCommonRank(static_cast<int>(pick(8)) * 16);
        break;
    case 1:
        document.setCellRank(cell, static_cast<int>(pick(5)) * 16);
        break;
    case 2:
        document.setCellSkipped(cell, pick(2) == 0);
        break;
    case 3:
        document.setCellLocked(cell, pick(2) == 0);
        break;
    case 4:
        document.setCommonBits(1 + 0.5 * static_cast<double>(pick(7)));
        break;
    case 5:
        document.editCells(QStringLiteral("Paste"),
                           placedEdits(parsePasted(cellsText(document.cells(), {cell})).cells,
                                       {{static_cast<int>(pick(4)), Module::QProj}}, 4));
        break;
    case 6:
        document.setEmbeddingBits(pick(2) == 0 ? 8 : 16);
        break;
    case 7:
        document.take(QStringLiteral("Solve"), solvedAtRandom(document, random));
        break;
    default: {
        CellEdit edit;
        edit.bits = static_cast<double>(pick(5));
        edit.rank = static_cast<int>(pick(300));
        edit.codec = families.at(pick(families.size()));
        std::vector<Cell> cells = allCells(4);
        std::shuffle(cells.begin(), cells.end(), random);
        cells.resize(pick(cells.size()));
        document.editCells(QStringLiteral("Paint"), editsOf(cells, edit),
                           static_cast<int>(pick(3)));
    }
    }
}

TEST_F(PlanDocumentTest, UndoingAThousandRandomEditsGivesTheSameFile) {
    const std::string before = printPlan(document_.plan());
    const unsigned seed = 20261126;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int step = 0; step < 1000; ++step) {
        editAtRandom(document_, random);
        ASSERT_EQ(document_.size().total(), planSize(document_.plan(), exampleConfig()).total());
        ASSERT_FALSE(document_.problem().has_value())
            << "step " << step << ": " << document_.problem()->sentence.toStdString();
        ASSERT_EQ(parsePlan(printPlan(document_.plan()), "printed"), document_.plan())
            << "step " << step;
    }
    const std::string after = printPlan(document_.plan());
    while (document_.undoStack().canUndo()) {
        document_.undoStack().undo();
    }
    EXPECT_EQ(printPlan(document_.plan()), before);
    while (document_.undoStack().canRedo()) {
        document_.undoStack().redo();
    }
    EXPECT_EQ(printPlan(document_.plan()), after);
}

} // namespace
} // namespace caldera::studio
