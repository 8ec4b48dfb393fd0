// Which cells a painting tool reaches.
#include "widgets/heatmap/paint_reach.h"

#include <gtest/gtest.h>

namespace caldera::studio {
namespace {

TEST(PaintReach, EveryToolReachesWhatItsNameSays) {
    const auto count = [](PaintTool tool, Cell from, Cell to) {
        return PaintReach{tool, 1, false}.cells(from.layer, from, to, 10).size();
    };
    const Cell a{2, Module::QProj};
    const Cell b{5, Module::OProj};
    EXPECT_EQ(count(PaintTool::Box, a, b), 16U);
    EXPECT_EQ(count(PaintTool::Box, b, a), 16U);
    EXPECT_EQ(count(PaintTool::Row, a, a), 10U);
    EXPECT_EQ(count(PaintTool::Column, a, b), 28U);
    EXPECT_EQ(count(PaintTool::Group, a, a), 30U) << "q, k and v share their input";
    EXPECT_EQ(count(PaintTool::Group, a, b), 40U);
    EXPECT_EQ(count(PaintTool::Brush, a, b), 4U);
}

TEST(PaintReach, ThinsOutFromWhereTheStrokeBeganAndMirrors) {
    const Cell from{2, Module::QProj};
    PaintReach reach{PaintTool::Row, 4, false};
    EXPECT_EQ(reach.cells(2, from, from, 10),
              (std::vector<Cell>{{2, Module::QProj}, {6, Module::QProj}}));
    reach = {PaintTool::Brush, 1, true};
    EXPECT_EQ(reach.cells(2, from, from, 10),
              (std::vector<Cell>{{2, Module::QProj}, {7, Module::QProj}}));
    EXPECT_EQ(reach.cells(0, {1, Module::QProj}, {1, Module::QProj}, 3).size(), 1U)
        << "the middle is its own mirror";
}

TEST(PaintReach, AFastStrokeLeavesNoGaps) {
    const PaintReach reach{PaintTool::Brush, 1, false};
    const std::vector<Cell> cells = reach.cells(0, {0, Module::QProj}, {40, Module::DownProj}, 80);
    EXPECT_EQ(cells.size(), 41U);
    for (size_t at = 1; at < cells.size(); ++at) {
        EXPECT_EQ(cells[at].layer, cells[at - 1].layer + 1);
        EXPECT_LE(static_cast<int>(cells[at].module) - static_cast<int>(cells[at - 1].module), 1);
    }
}

} // namespace
} // namespace caldera::studio
