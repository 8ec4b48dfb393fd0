// The tool bar over the heatmap: tools, what they paint, how far they reach.
#pragma once

#include <QWidget>

class QComboBox;
class QHBoxLayout;
class QSpinBox;
class QStackedWidget;

namespace caldera::studio {

class HeatmapEditor;
class PaintState;
class ToneLabel;

class PaintBar : public QWidget {
    Q_OBJECT
public:
    explicit PaintBar(HeatmapEditor& editor, QWidget* parent = nullptr);

    QComboBox* whatBox() const { return what_; }
    QComboBox* bitsBox() const { return bits_; }
    QSpinBox* rankBox() const { return rank_; }
    QSpinBox* everyBox() const { return every_; }

Q_SIGNALS:
    void keysRequested();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void addTools(QHBoxLayout& layout);
    QWidget* makeValues();
    void connectBoxes();
    void showState();
    void showSelection();

    HeatmapEditor& editor_;
    PaintState& paint_;
    QComboBox* what_;
    QStackedWidget* values_;
    QComboBox* bits_;
    QSpinBox* rank_;
    QComboBox* codec_;
    QComboBox* on_;
    QSpinBox* every_;
    ToneLabel* caption_;
    ToneLabel* selection_;
    bool narrow_ = false; ///< words make way for what is used
};

} // namespace caldera::studio
