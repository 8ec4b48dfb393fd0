// A plot in the studio's look: curves from values, a cursor line, tooltips, export of every kind.
#pragma once

#include <QColor>
#include <QList>
#include <QStringList>
#include <QVariant>
#include <QVector>

#include <functional>
#include <optional>

#include "widgets/support/qcustomplot.h"

namespace caldera::studio {

/// One curve. `color` is asked again when the theme changes.
struct Curve {
    QString name;
    QVector<double> x;
    QVector<double> y;
    std::function<QColor()> color;
    bool points = false; ///< marks every value
    bool dashed = false;
    double width = 1.6;     ///< of the line, in pixels
    bool named = true;      ///< stands in the legend
    QVariant subject = {};  ///< what the curve is about; for whoever hears of a click
    QStringList notes = {}; ///< last line of a point's tooltip; may be shorter than x
    /// All values, numbered from 1, of a curve that is drawn by some of them: what CSV gets.
    /// Without it, x and y.
    std::function<QVector<double>()> allValues = {};
};

/// A point of a curve, by numbers.
struct CurvePoint {
    int curve = 0;
    qsizetype point = 0;
};

struct PlotAxes {
    QString xTitle;
    QString yTitle;
    bool logarithmicY = false;
    bool integerX = false;
    bool logarithmicX = false;
};

/// Wheel zooms and dragging moves along x; a double click shows everything again. The context menu
/// copies and exports (PNG, SVG, PDF, CSV).
class Plot : public QCustomPlot {
    Q_OBJECT
public:
    /// `name` names exported files and the accessible widget.
    explicit Plot(const QString& name, QWidget* parent = nullptr);

    void setCurves(const PlotAxes& axes, const QList<Curve>& curves);
    /// Moves the values of curve `index` without touching zoom or legend.
    void setCurveData(int index, const QVector<double>& x, const QVector<double>& y);
    /// A vertical line at `x` with a caption, or none.
    void setCursorLine(std::optional<double> x, const QString& caption = {});
    const QCPItemText& cursorCaption() const { return *cursorText_; }
    /// Lets people drag the line. Whoever hears of it moves the line.
    void setCursorDraggable(bool draggable) { draggable_ = draggable; }
    /// A thin line that follows a cursor elsewhere, or none.
    void setHair(std::optional<double> x);
    /// The nearest point within reach of a place of the widget.
    std::optional<CurvePoint> pointNear(const QPoint& position) const;
    const QList<Curve>& curves() const { return curves_; }
    /// Names the curves in a line of its own above them, where it covers none.
    void showLegend();
    void showAll();
    /// What the plot shows, one line per point: "curve,x,y".
    QString csv() const;
    /// Contents of a file of this suffix: png, svg, pdf or csv.
    QByteArray exported(const QString& suffix);

Q_SIGNALS:
    void cursorDragBegan();
    void cursorDragged(double x);
    /// A click that was no drag, in coordinates of the plot.
    void clicked(double x, double y);
    /// A click near a point of a curve.
    void pointClicked(const caldera::studio::CurvePoint& point);
    /// Where the mouse is; nothing when it left the axes.
    void hovered(std::optional<double> x);

protected:
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void restyle();
    void placeCaption();
    void fitLegend();
    void fitTicks();
    void exportAs(const QString& suffix, const QString& filter);
    QString tipAt(const QPoint& position) const;
    bool nearCursorLine(const QPoint& position) const;

    QString name_;
    PlotAxes axes_;
    QList<Curve> curves_;
    QCPItemLine* cursor_ = nullptr;
    QCPItemText* cursorText_ = nullptr;
    QCPItemStraightLine* hair_ = nullptr;
    bool draggable_ = false;
    bool dragging_ = false;
    QPoint pressed_;
};

/// Plots with the same x: the cursor in one is a line in all, and they zoom and move together.
void linkPlots(const QList<Plot*>& plots);

} // namespace caldera::studio
