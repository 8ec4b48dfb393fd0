#include "widgets/chat/token_text.h"

#include <algorithm>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QToolTip>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr double kFullTint = 0.75; // opacity of the colour that means "far apart"

} // namespace

TokenText::TokenText(QWidget* parent) : QTextBrowser(parent) {
    setOpenLinks(false);
    setFrameShape(QFrame::NoFrame);
    setUndoRedoEnabled(false);
    viewport()->setAutoFillBackground(false);
    connect(&Theme::current(), &Theme::themeChanged, this, &TokenText::restyle);
}

void TokenText::setTokens(const QList<ScoredToken>& tokens) {
    const auto [old, fresh] =
        std::mismatch(tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end());
    if (old != tokens_.end()) { // another answer
        clear();
        ends_.clear();
        marks_.clear();
        chosen_ = -1;
    }
    tokens_ = tokens;
    QTextCursor cursor(document());
    cursor.movePosition(QTextCursor::End);
    cursor.beginEditBlock(); // the text is laid out once for all of them
    for (qsizetype i = ends_.size(); i < tokens_.size(); ++i) {
        QString text = tokens_[i].text;
        text.replace(QLatin1StringView("\r"), QString());
        cursor.insertText(text, formatOf({}));
        ends_.append(cursor.position());
    }
    cursor.endEditBlock();
}

void TokenText::setMarks(const QList<TokenMark>& marks) {
    const QList<TokenMark> before = std::exchange(marks_, marks);
    QTextCursor all(document());
    all.beginEditBlock();
    for (qsizetype i = 0; i < std::min(ends_.size(), std::max(before.size(), marks.size())); ++i) {
        if (before.value(i) != marks.value(i))
            applyFormat(i);
    }
    all.endEditBlock();
}

void TokenText::choose(qsizetype index) {
    const qsizetype before = std::exchange(chosen_, index < ends_.size() ? index : -1);
    for (const qsizetype changed : {before, chosen_}) {
        if (changed >= 0)
            applyFormat(changed);
    }
}

QTextCharFormat TokenText::formatOf(const TokenMark& mark) const {
    const Theme& theme = Theme::current();
    QTextCharFormat format;
    QColor ground = theme.color(Token::Window);
    if (mark.tint > 0) {
        ground = mix(ground, theme.color(Token::Bad), kFullTint * std::min(1.0, mark.tint));
        format.setBackground(ground);
        format.setForeground(inkOn(ground));
    } else {
        format.setForeground(theme.color(Token::Text));
    }
    if (mark.differs) {
        format.setUnderlineStyle(QTextCharFormat::SingleUnderline);
        format.setUnderlineColor(theme.color(Token::Warn));
    }
    return format;
}

void TokenText::applyFormat(qsizetype index) {
    QTextCursor cursor(document());
    cursor.setPosition(index > 0 ? ends_[index - 1] : 0);
    cursor.setPosition(ends_[index], QTextCursor::KeepAnchor);
    QTextCharFormat format = formatOf(marks_.value(index));
    if (index == chosen_) {
        format.setBackground(Theme::current().color(Token::Accent));
        format.setForeground(Theme::current().color(Token::OnAccent));
    }
    cursor.setCharFormat(format);
}

void TokenText::restyle() {
    QTextCursor all(document());
    all.beginEditBlock();
    for (qsizetype i = 0; i < ends_.size(); ++i)
        applyFormat(i);
    all.endEditBlock();
}

qsizetype TokenText::tokenAt(const QPoint& position) const {
    const QTextCursor cursor = cursorForPosition(position);
    // Between two letters the nearer edge is told; the letter under the mouse decides.
    const bool isAfter = position.x() < cursorRect(cursor).left();
    const int place = cursor.position() + (isAfter ? 0 : 1);
    const auto end = std::lower_bound(ends_.begin(), ends_.end(), place);
    return end == ends_.end() ? (ends_.isEmpty() ? -1 : ends_.size() - 1) : end - ends_.begin();
}

void TokenText::mouseReleaseEvent(QMouseEvent* event) {
    QTextBrowser::mouseReleaseEvent(event);
    if (event->button() == Qt::LeftButton && !textCursor().hasSelection()) {
        if (const qsizetype index = tokenAt(event->position().toPoint()); index >= 0)
            Q_EMIT tokenChosen(index);
    }
}

void TokenText::keyPressEvent(QKeyEvent* event) {
    const int step = event->key() == Qt::Key_Right ? 1 : event->key() == Qt::Key_Left ? -1 : 0;
    if (step == 0 || event->modifiers() != Qt::NoModifier || ends_.isEmpty()) {
        QTextBrowser::keyPressEvent(event);
        return;
    }
    Q_EMIT tokenChosen(std::clamp<qsizetype>(chosen_ + step, 0, ends_.size() - 1));
}

bool TokenText::viewportEvent(QEvent* event) {
    if (event->type() != QEvent::ToolTip)
        return QTextBrowser::viewportEvent(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const qsizetype index = tokenAt(help->pos());
    const QString text = index >= 0 ? marks_.value(index).toolTip : QString();
    if (text.isEmpty())
        QToolTip::hideText();
    else
        QToolTip::showText(help->globalPos(), text, this);
    return true;
}

} // namespace caldera::studio
