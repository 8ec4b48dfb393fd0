// The figures a plan stands for, each with its kind: exact, measured.
#pragma once

#include <QList>
#include <QString>
#include <QWidget>

#include <map>

class QBoxLayout;
class QHBoxLayout;
class QTimer;

namespace caldera::studio {

class ToneLabel;

/// One figure. A change of its amount shows the difference for two seconds.
struct TruthFigure {
    QString id;
    QString caption; ///< "weights"
    QString value;   ///< "4.92 MB"
    QString kind;    ///< "exact"
    double amount = 0;
    QString toolTip;
    bool moreIsBetter = false;
};

class TruthBar : public QWidget {
    Q_OBJECT
public:
    explicit TruthBar(QWidget* parent = nullptr);

    /// Those not named disappear.
    void setFigures(const QList<TruthFigure>& figures);
    /// Forgets the last amounts, so that the next figures are not compared with another model's.
    void startAnew();
    /// Buttons at the right end.
    void addAction(QWidget* button);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Tile {
        QWidget* box = nullptr;
        ToneLabel* value = nullptr;
        ToneLabel* caption = nullptr;
        ToneLabel* kind = nullptr;
        QTimer* timer = nullptr;
        double amount = 0;
        bool known = false;
        QString plainCaption;
        QString plainKind;
    };
    /// A figure that is shown for the first time gets this place among the others.
    Tile& tileOf(const QString& id, int place);
    Qt::Alignment alignment() const;
    QString inLines(const QString& text) const;
    void showChange(Tile& tile, const TruthFigure& figure) const;
    void setNumberFont(Tile& tile) const;
    void setNarrow(bool narrow);

    QHBoxLayout* tilesLayout_;
    QBoxLayout* actions_;
    std::map<QString, Tile> tiles_; ///< nodes stay where they are
    bool narrow_ = false;
};

} // namespace caldera::studio
