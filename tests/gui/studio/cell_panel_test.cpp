#include "widgets/cell_panel/cell_panel.h"

#include <QCheckBox>
#include <QSignalSpy>
#include <QSpinBox>

#include <gtest/gtest.h>

#include "widgets/support/plot.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

CellDetails example() {
    CellDetails details;
    details.cell = {3, Module::DownProj};
    details.shape = {192, 512};
    details.settings.rank = 32;
    details.bytes = 30000;
    details.bitsPerWeight = 2.44;
    details.metric = u"error"_s;
    details.value = 0.0913;
    details.valueKind = u"measured"_s;
    details.history = {{u"LR"_s, 0.3}, {u"Q"_s, 0.0913}};
    details.weightSpectrum = {4, 2, 1};
    details.residualSpectrum = {0.5, 0.2, 0.1};
    details.largestRank = 192;
    return details;
}

TEST(CellPanel, AnEditReportsTheCellItBelongsTo) {
    CellPanel panel;
    panel.setEditable(true);
    panel.showCell(example());
    QSignalSpy ranks(&panel, &CellPanel::rankEdited);
    QSignalSpy skips(&panel, &CellPanel::skipEdited);
    panel.findChild<QSpinBox*>()->setValue(64);
    ASSERT_EQ(ranks.count(), 1);
    EXPECT_EQ(ranks[0][0].value<Cell>(), (Cell{3, Module::DownProj}));
    EXPECT_EQ(ranks[0][1].toInt(), 64);
    panel.findChildren<QCheckBox*>().last()->click();
    ASSERT_EQ(skips.count(), 1);
    EXPECT_TRUE(skips[0][1].toBool());
}

TEST(CellPanel, ShowingACellEditsNothing) {
    CellPanel panel;
    panel.setEditable(true);
    QSignalSpy ranks(&panel, &CellPanel::rankEdited);
    panel.showCell(example());
    CellDetails other = example();
    other.settings.rank = 128;
    other.settings.skip = true;
    panel.showCell(other);
    EXPECT_EQ(ranks.count(), 0);
}

TEST(Plot, ExportsEveryKindOfFile) {
    Plot plot(u"Example"_s);
    plot.resize(400, 240);
    plot.setCurves(
        {u"x"_s, u"y"_s, true, true},
        {{u"curve"_s, {1, 2, 3}, {0.5, 0.25, 0.125}, [] { return QColor(Qt::red); }, true, false}});
    EXPECT_TRUE(plot.exported(u"png"_s).startsWith("\x89PNG"));
    EXPECT_TRUE(plot.exported(u"pdf"_s).startsWith("%PDF"));
    EXPECT_TRUE(plot.exported(u"svg"_s).contains("<svg"));
    EXPECT_EQ(plot.exported(u"csv"_s),
              "curve,x,y\n\"curve\",1,0.5\n\"curve\",2,0.25\n\"curve\",3,0.125\n");
}

TEST(Plot, TheLegendCoversNoCurve) {
    Plot plot(u"Example"_s);
    plot.resize(300, 200);
    plot.showLegend();
    plot.setCurves({u"x"_s, u"y"_s, false, true},
                   {{u"one"_s, {1, 2}, {1, 2}, [] { return QColor(Qt::red); }},
                    {u"another with a long name"_s, {1, 2}, {2, 1}, [] { return QColor(Qt::red); }},
                    {u"a third"_s, {1, 2}, {2, 2}, [] { return QColor(Qt::red); }}});
    plot.replot();
    EXPECT_LE(plot.legend->outerRect().bottom(), plot.axisRect()->rect().top());
    EXPECT_GT(plot.axisRect()->rect().height(), 80);
}

TEST(Plot, TheCursorsCaptionStaysInsideHoweverNarrowThePlotIs) {
    Plot plot(u"Example"_s);
    plot.resize(400, 200);
    plot.show(); // who is not shown keeps the size of its picture
    plot.setCurves({u"x"_s, u"y"_s, false, true},
                   {{u"curve"_s, {1, 128}, {1, 2}, [] { return QColor(Qt::red); }}});
    for (const double rank : {1., 60., 70., 128.}) {
        for (const int width : {400, 176, 130, 100}) {
            plot.setCursorLine(rank, u"column 12 345"_s);
            plot.resize(width, 200);
            plot.replot();
            const QCPItemText& caption = plot.cursorCaption();
            EXPECT_TRUE(caption.visible());
            EXPECT_FALSE(caption.clipToAxisRect());
            EXPECT_GE(caption.left->pixelPosition().x(), 0) << rank << " in " << width;
            EXPECT_LE(caption.right->pixelPosition().x(), width) << rank << " in " << width;
        }
    }
    plot.xAxis->setRange(200, 300);
    plot.replot();
    EXPECT_FALSE(plot.cursorCaption().visible()) << "the line is out of sight";
}

TEST(Plot, StepsAreWholeNumbers) {
    Plot plot(u"Example"_s);
    plot.setCurves({u"step"_s, u"y"_s, false, true},
                   {{u"curve"_s, {1, 2}, {0.2588, 0.2587}, [] { return QColor(Qt::red); }}});
    plot.replot();
    EXPECT_EQ(plot.xAxis->tickVectorLabels().filter(u"."_s), QStringList());
    for (const QString& label : plot.yAxis->tickVectorLabels()) {
        EXPECT_EQ(label.size(), plot.yAxis->tickVectorLabels().first().size());
    }
}

TEST(Plot, DecadesHaveFewLabels) {
    Plot plot(u"Example"_s);
    for (const double least : {0.2, 1e-3, 1e-9}) {
        plot.setCurves({u"x"_s, u"y"_s, true, true},
                       {{u"curve"_s, {1, 2}, {1, least}, [] { return QColor(Qt::red); }}});
        plot.replot();
        const QCPRange range = plot.yAxis->range();
        const QVector<double> ticks = plot.yAxis->tickVector();
        const auto shown = std::count_if(ticks.begin(), ticks.end(),
                                         [&](double tick) { return range.contains(tick); });
        EXPECT_GE(shown, 2) << least;
        EXPECT_LE(shown, 8) << least;
    }
}

} // namespace
} // namespace caldera::studio
