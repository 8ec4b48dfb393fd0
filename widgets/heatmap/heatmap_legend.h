// What the heatmap's colours mean: the ramp from calm to fragile, or from better to worse, with its
// numbers and histogram, the hatch.
#pragma once

#include <QStringList>
#include <QWidget>

namespace caldera::studio {

class CellGridModel;

class HeatmapLegend : public QWidget {
    Q_OBJECT
public:
    explicit HeatmapLegend(const CellGridModel& model, QWidget* parent = nullptr);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;
    /// What words, ramp and marks take; more than width() is cut off.
    int usedWidth() const;
    /// What the colours do not tell of the settings in the cells: the longest sentence that has
    /// room; empty where they do.
    QString remark() const;
    /// Where it ends; more than width() is cut off.
    int remarkEnd() const;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString calmWord() const;
    QString fragileWord() const;
    static QString surpriseWord();
    /// Longest first.
    QStringList remarks() const;
    int remarkLeft() const;
    void refresh();
    /// Returns where the next one may begin.
    static int paintWord(QPainter& painter, int left, const QString& word);
    /// Of the ramp: as wide as the words beside it leave room for.
    int rampWidth() const;
    int widthBesideRamp() const;
    QString explanation() const;
    void paintRemark(QPainter& painter) const;
    void paintHistogram(QPainter& painter, QRect ramp) const;
    static void paintRamp(QPainter& painter, QRect ramp, bool diverging);
    void paintTicks(QPainter& painter, QRect ramp) const;

    const CellGridModel& model_;
};

} // namespace caldera::studio
