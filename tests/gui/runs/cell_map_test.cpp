// The small picture of a run's cells has the colours of the heatmap.
#include "widgets/runs/cell_map.h"

#include <QHelpEvent>
#include <QTest>
#include <QToolTip>

#include <gtest/gtest.h>

#include <limits>

#include "widgets/theme/theme.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class CellMapTest : public ::testing::Test {
protected:
    CellMapTest() { map_.resize(300, 70); }

    /// Of the first layer's modules, from q_proj on.
    void show(const QList<double>& values, const QString& metric) {
        const QStringList modules{u"q_proj"_s, u"k_proj"_s, u"v_proj"_s, u"o_proj"_s};
        QList<JobCell> cells;
        for (qsizetype i = 0; i < values.size(); ++i) {
            JobCell cell;
            cell.layer = 0;
            cell.module = modules[i];
            cell.relativeError = values[i];
            cells.append(cell);
        }
        map_.setCells(cells, metric, 6);
    }
    QRgb colorOf(int row) { return map_.grab().toImage().pixel(20, 10 * row + 5); }
    static QRgb ramp(double position) { return Theme::current().sequential(position).rgb(); }
    QString toolTip() {
        const QPoint place(20, 5);
        QHelpEvent help(QEvent::ToolTip, place, map_.mapToGlobal(place));
        QApplication::sendEvent(&map_, &help);
        return QToolTip::text();
    }

    CellMap map_;
};

TEST_F(CellMapTest, DivergencesAreToldApartByRatio) {
    show({1e-4, 1e-3, 1e-2}, u"kl"_s);
    EXPECT_EQ(colorOf(0), ramp(0));
    EXPECT_EQ(colorOf(1), ramp(0.5));
    EXPECT_EQ(colorOf(2), ramp(1));
}

TEST_F(CellMapTest, ErrorsAreToldApartByDifference) {
    show({0.25, 0.5, 1.25}, {});
    EXPECT_EQ(colorOf(1), ramp(0.25));
}

TEST_F(CellMapTest, ACellWithoutANumberIsNotColoured) {
    show({1, 2, std::numeric_limits<double>::quiet_NaN()}, u"kl"_s);
    EXPECT_EQ(colorOf(2), colorOf(6)) << "as one that is not finished";
    EXPECT_EQ(colorOf(1), ramp(1));
}

TEST_F(CellMapTest, ATipSaysWhatTheNumberIs) {
    show({0.25}, u"kl"_s);
    EXPECT_TRUE(toolTip().contains(u"KL divergence: 0.25"_s)) << toolTip().toStdString();
    show({0.25}, {});
    EXPECT_TRUE(toolTip().contains(u"Relative error 0.25"_s)) << toolTip().toStdString();
}

} // namespace
} // namespace caldera::studio
