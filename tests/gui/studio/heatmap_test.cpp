#include "widgets/heatmap/heatmap_view.h"

#include <QAccessible>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include <gtest/gtest.h>

#include "tests/gui/studio/example_model.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {
namespace {

constexpr int kLayers = 16;

class HeatmapTest : public ::testing::Test {
protected:
    HeatmapTest() : view_(grid_) {
        std::vector<GridCell> cells;
        for (const Module module : kModules) {
            for (int layer = 0; layer < kLayers; ++layer) {
                GridCell cell;
                cell.bits = 2;
                cell.rank = 64;
                if (layer > 0) { // layer 0 is not measured
                    cell.value = exampleError({layer, module});
                }
                cells.push_back(cell);
            }
        }
        grid_.setCells(kLayers, cells);
        view_.resize(900, 280);
        view_.show();
        view_.activateWindow();
        view_.setFocus();
    }
    QPoint centerOf(Cell cell) const { return view_.visualRect(grid_.indexOf(cell)).center(); }
    QColor colorAt(Cell cell) {
        const QRect area = view_.visualRect(grid_.indexOf(cell));
        return view_.viewport()->grab().toImage().pixelColor(area.topLeft() + QPoint(3, 3));
    }

    CellGridModel grid_;
    HeatmapView view_;
};

TEST_F(HeatmapTest, AllLayersFitWithoutScrolling) {
    EXPECT_EQ(view_.horizontalScrollBar()->maximum(), 0);
    EXPECT_GE(view_.visualRect(grid_.indexOf({0, Module::QProj})).height(), 20);
}

TEST_F(HeatmapTest, EightyLayersFitTwelveHundredAndEightyPixels) {
    std::vector<GridCell> cells(80 * kModules.size());
    grid_.setCells(80, cells);
    view_.resize(1280, 280);
    QTest::qWait(0);
    EXPECT_EQ(view_.horizontalScrollBar()->maximum(), 0);
    EXPECT_GE(view_.visualRect(grid_.indexOf({79, Module::QProj})).width(), 12);
}

TEST_F(HeatmapTest, NarrowColumnsStandApartAlike) {
    GridCell cell;
    cell.value = 0.1;
    grid_.setCells(80, std::vector<GridCell>(80 * kModules.size(), cell));
    const auto rectOf = [this](int layer) {
        return view_.visualRect(grid_.indexOf({layer, Module::OProj}));
    };
    const auto isMixed = [&] { return rectOf(0).width() == 7 && rectOf(79).width() == 6; };
    for (int width = 800; width > 500 && !isMixed(); --width) {
        view_.resize(width, 280);
        QTest::qWait(0);
    }
    ASSERT_TRUE(isMixed());
    const QImage image = view_.viewport()->grab().toImage();
    for (const int layer : {1, 78}) {
        const QRect area = rectOf(layer);
        EXPECT_NE(image.pixel(area.right(), area.center().y()),
                  image.pixel(area.left() + 1, area.center().y()))
            << layer;
    }
}

TEST_F(HeatmapTest, ACellHasTheColourOfItsValue) {
    EXPECT_EQ(colorAt({kLayers - 1, Module::DownProj}), Theme::current().sequential(1));
    EXPECT_EQ(colorAt({1, Module::QProj}), Theme::current().sequential(0));
}

TEST_F(HeatmapTest, AClickPinsAndASecondClickReleases) {
    QSignalSpy pinned(&view_, &HeatmapView::cellPinned);
    const Cell cell{3, Module::VProj};
    QTest::mouseClick(view_.viewport(), Qt::LeftButton, {}, centerOf(cell));
    ASSERT_EQ(view_.pinnedCell(), cell);
    QTest::mouseMove(view_.viewport(), centerOf({9, Module::UpProj}));
    EXPECT_EQ(view_.shownCell(), cell);
    QTest::mouseClick(view_.viewport(), Qt::LeftButton, {}, centerOf(cell));
    EXPECT_FALSE(view_.pinnedCell().has_value());
    EXPECT_EQ(pinned.count(), 2);
}

TEST_F(HeatmapTest, HoveringShowsTheCellUnderTheCursor) {
    QSignalSpy shown(&view_, &HeatmapView::cellShown);
    QTest::mouseMove(view_.viewport(), centerOf({5, Module::GateProj}));
    ASSERT_TRUE(QTest::qWaitFor([&] { return shown.count() > 0; }));
    EXPECT_EQ(view_.shownCell(), (Cell{5, Module::GateProj}));
}

TEST_F(HeatmapTest, TheKeyboardMovesPinsAndReleases) {
    view_.setCurrentIndex(grid_.indexOf({0, Module::QProj}));
    QTest::keyClick(&view_, Qt::Key_Right);
    QTest::keyClick(&view_, Qt::Key_Down);
    QTest::keyClick(&view_, Qt::Key_Return);
    EXPECT_EQ(view_.pinnedCell(), (Cell{1, Module::KProj}));
    QTest::keyClick(&view_, Qt::Key_Escape);
    EXPECT_FALSE(view_.pinnedCell().has_value());
}

TEST_F(HeatmapTest, TheWheelZoomsAboutTheCursor) {
    const QPoint cursor = centerOf({8, Module::OProj});
    const int before = view_.columnAt(cursor.x());
    for (int turn = 0; turn < 6; ++turn) {
        QWheelEvent wheel(cursor, view_.viewport()->mapToGlobal(cursor), {}, QPoint(0, 120),
                          Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
        QApplication::sendEvent(view_.viewport(), &wheel);
    }
    EXPECT_GT(view_.zoom(), 2);
    EXPECT_GT(view_.horizontalScrollBar()->maximum(), 0);
    EXPECT_EQ(view_.columnAt(cursor.x()), before);
    view_.resetZoom();
    EXPECT_EQ(view_.zoom(), 1);
}

TEST_F(HeatmapTest, ScreenReadersHearTheWholeCell) {
    const QString text =
        grid_.indexOf({2, Module::DownProj}).data(Qt::AccessibleTextRole).toString();
    EXPECT_TRUE(text.contains(QStringLiteral("Layer 2, down_proj"))) << text.toStdString();
    EXPECT_TRUE(text.contains(QStringLiteral("2 bits, rank 64"))) << text.toStdString();
}

TEST_F(HeatmapTest, EmbeddingsAndHeadAreCellsBelowHalfOfTheLayersEach) {
    grid_.setWideCells({{QStringLiteral("embeddings: 8 bits"), QStringLiteral("what they cost")},
                        {QStringLiteral("head: 16 bits"), QStringLiteral("head: 16 bits")}});
    QAccessibleInterface* table = QAccessible::queryAccessibleInterface(&view_);
    ASSERT_NE(table->tableInterface(), nullptr);
    EXPECT_EQ(table->tableInterface()->rowCount(), 8);
    EXPECT_EQ(table->tableInterface()->cellAt(7, 3)->text(QAccessible::Name),
              QStringLiteral("what they cost"));
    EXPECT_EQ(view_.columnSpan(7, 0), kLayers / 2);
    EXPECT_EQ(view_.columnSpan(7, kLayers / 2), kLayers / 2);
    QSignalSpy activated(&view_, &HeatmapView::wideCellActivated);
    view_.setCurrentIndex(grid_.indexOf({kLayers - 1, Module::DownProj}));
    QTest::keyClick(&view_, Qt::Key_Down);
    EXPECT_FALSE(view_.shownCell().has_value());
    EXPECT_TRUE(view_.targets().empty());
    QTest::keyClick(&view_, Qt::Key_Return);
    QTest::keyClick(&view_, Qt::Key_Left);
    QTest::keyClick(&view_, Qt::Key_Return);
    ASSERT_EQ(activated.count(), 2);
    EXPECT_EQ(activated[0][0].toInt(), 1);
    EXPECT_EQ(activated[1][0].toInt(), 0);
    view_.setSelectionMode(QAbstractItemView::ExtendedSelection);
    view_.selectAll();
    EXPECT_EQ(view_.selectedCells().size(), kLayers * kModules.size());
}

} // namespace
} // namespace caldera::studio
