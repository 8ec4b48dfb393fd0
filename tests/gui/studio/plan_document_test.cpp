#include "widgets/models/plan_document.h"

#include <QSignalSpy>

#include <gtest/gtest.h>

#include <random>

#include "tests/gui/studio/example_model.h"

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

TEST_F(PlanDocumentTest, UndoingAThousandRandomEditsGivesTheSameFile) {
    const std::string before = printPlan(document_.plan());
    const unsigned seed = 20261121;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int step = 0; step < 1000; ++step) {
        const Cell cell{static_cast<int>(random() % 4), kModules[random() % kModules.size()]};
        switch (random() % 5) {
        case 0:
            document_.setCommonRank(static_cast<int>(random() % 8) * 16);
            break;
        case 1:
            document_.setCellRank(cell, static_cast<int>(random() % 5) * 16);
            break;
        case 2:
            document_.setCellSkipped(cell, random() % 2 == 0);
            break;
        case 3:
            document_.setCellLocked(cell, random() % 2 == 0);
            break;
        default:
            document_.setEmbeddingBits(random() % 2 == 0 ? 8 : 16);
        }
    }
    while (document_.undoStack().canUndo()) {
        document_.undoStack().undo();
    }
    EXPECT_EQ(printPlan(document_.plan()), before);
}

} // namespace
} // namespace caldera::studio
