#include "widgets/support/labels.h"

#include <QPainter>
#include <QTextDocument>

namespace caldera::studio {

ToneLabel::ToneLabel(const QString& text, Token tone, QWidget* parent)
    : QLabel(text, parent), tone_(tone) {
    setTextFormat(Qt::PlainText); // what a file or another machine says is no markup
    recolor();
    connect(&Theme::current(), &Theme::themeChanged, this, &ToneLabel::recolor);
}

void ToneLabel::setTone(Token tone) {
    tone_ = tone;
    recolor();
}

void ToneLabel::recolor() {
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText, Theme::current().color(tone_));
    colors.setColor(QPalette::Text, Theme::current().color(tone_));
    setPalette(colors);
}

QLabel* sectionLabel(const QString& text, QWidget* parent) {
    auto* label = new ToneLabel(text, Token::Text, parent);
    label->setFont(Theme::current().textFont(0, QFont::DemiBold));
    return label;
}

QLabel* titleLabel(const QString& text, QWidget* parent) {
    auto* label = new ToneLabel(text, Token::Text, parent);
    label->setFont(Theme::current().textFont(5, QFont::DemiBold));
    return label;
}

ToneLabel* numberLabel(const QString& text, QWidget* parent) {
    auto* label = new ToneLabel(text, Token::Text, parent);
    label->setFont(Theme::current().numberFont());
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    label->setFocusPolicy(Qt::NoFocus);
    return label;
}

void keepLines(QLabel& label, int lines) {
    const QString text = label.text();
    label.setText(QString(qMax(0, lines - 1), u'\n'));
    label.setMinimumHeight(label.sizeHint().height());
    label.setText(text);
    label.setAlignment(Qt::AlignTop);
}

QString plainToolTip(const QString& text) {
    return Qt::mightBeRichText(text) ? Qt::convertFromPlainText(text) : text;
}

ElidedLabel::ElidedLabel(const QString& text, QWidget* parent) : QWidget(parent), text_(text) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void ElidedLabel::setText(const QString& text) {
    if (text_ != text) {
        text_ = text;
        updateToolTip();
        updateGeometry();
        update();
    }
}

void ElidedLabel::setTone(Token tone) {
    tone_ = tone;
    update();
}

QSize ElidedLabel::sizeHint() const {
    return {fontMetrics().horizontalAdvance(text_) + 2, fontMetrics().height() + 2};
}

QSize ElidedLabel::minimumSizeHint() const {
    return {qMin(sizeHint().width(), 40), sizeHint().height()};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setPen(Theme::current().color(isEnabled() ? tone_ : Token::Disabled));
    painter.drawText(rect(), Qt::AlignVCenter | Qt::AlignLeft,
                     fontMetrics().elidedText(text_, Qt::ElideMiddle, width()));
}

void ElidedLabel::resizeEvent(QResizeEvent*) {
    updateToolTip();
}

void ElidedLabel::updateToolTip() {
    setToolTip(fontMetrics().horizontalAdvance(text_) > width() ? plainToolTip(text_) : QString());
}

Separator::Separator(Qt::Orientation orientation, QWidget* parent) : QWidget(parent) {
    if (orientation == Qt::Horizontal) {
        setFixedHeight(1);
    } else {
        setFixedWidth(1);
    }
}

void Separator::paintEvent(QPaintEvent*) {
    QPainter(this).fillRect(rect(), Theme::current().color(Token::Line));
}

Surface::Surface(Token fill, QWidget* parent) : QWidget(parent), fill_(fill) {}

void Surface::setRounded(bool rounded) {
    rounded_ = rounded;
    update();
}

void Surface::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    if (!rounded_) {
        painter.fillRect(rect(), theme.color(fill_));
        return;
    }
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(theme.color(Token::Line));
    painter.setBrush(theme.color(fill_));
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
}

} // namespace caldera::studio
