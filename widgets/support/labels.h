// Small pieces of text and line that every panel uses, coloured by the theme.
#pragma once

#include <QFrame>
#include <QLabel>

#include "widgets/theme/theme.h"

namespace caldera::studio {

/// A label in one of the theme's colours that follows theme changes.
class ToneLabel : public QLabel {
    Q_OBJECT
public:
    explicit ToneLabel(const QString& text, Token tone = Token::Secondary,
                       QWidget* parent = nullptr);
    void setTone(Token tone);

private:
    void recolor();
    Token tone_;
};

/// The heading of a section inside a panel: semibold, text colour.
QLabel* sectionLabel(const QString& text, QWidget* parent = nullptr);
/// The title of a page.
QLabel* titleLabel(const QString& text, QWidget* parent = nullptr);
/// A figure in the number font.
ToneLabel* numberLabel(const QString& text, QWidget* parent = nullptr);

/// Keeps room for so many lines in a label whose text changes, so that what stands below stays.
void keepLines(QLabel& label, int lines);

/// Text for a tool tip, which takes what looks like markup for markup.
QString plainToolTip(const QString& text);

/// One text that elides in the middle and then shows itself whole in a tooltip.
class ElidedLabel : public QWidget {
    Q_OBJECT
public:
    explicit ElidedLabel(const QString& text = {}, QWidget* parent = nullptr);
    void setText(const QString& text);
    const QString& text() const { return text_; }
    void setTone(Token tone);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void updateToolTip();
    QString text_;
    Token tone_ = Token::Text;
};

/// A separator of one pixel.
class Separator : public QWidget {
    Q_OBJECT
public:
    explicit Separator(Qt::Orientation orientation, QWidget* parent = nullptr);

protected:
    void paintEvent(QPaintEvent* event) override;
};

/// A widget filled with one of the theme's colours, with an optional one-pixel edge.
class Surface : public QWidget {
    Q_OBJECT
public:
    explicit Surface(Token fill, QWidget* parent = nullptr);
    /// Draws a rounded edge (cards) instead of a plain rectangle.
    void setRounded(bool rounded);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Token fill_;
    bool rounded_ = false;
};

} // namespace caldera::studio
