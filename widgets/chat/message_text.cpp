#include "widgets/chat/message_text.h"

#include <algorithm>

#include <QAbstractTextDocumentLayout>
#include <QPaintEvent>
#include <QPainter>
#include <QTextBlock>

#include "widgets/chat/message_text_accessible.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr qsizetype kPlainPart = 2000; // characters of plain text in one block

} // namespace

MessageText::MessageText(QWidget* parent) : QWidget(parent) {
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setFocusPolicy(Qt::ClickFocus);
    setMouseTracking(true);
    setCursor(Qt::IBeamCursor);
    makeMessageTextAccessible();
}

void MessageText::begin() {
    blocks_.clear();
    stream_.reset();
    plain_.clear();
    plainTaken_ = 0;
    from_ = to_ = {};
}

void MessageText::beginPlain(const QString& text) {
    begin();
    plain_ = text;
    fit();
}

void MessageText::beginMarkdown() {
    begin();
    stream_.emplace(blocks_, MarkdownStyle::fromTheme());
    fit();
}

void MessageText::feed(const QString& text) {
    stream_->feed(text);
}

bool MessageText::renderSome(qsizetype characters) {
    bool isDone = true;
    if (plainTaken_ < plain_.size()) {
        takePlain();
        isDone = plainTaken_ >= plain_.size();
    } else if (stream_) {
        isDone = stream_->flushSome(characters);
    }
    if (isDone)
        isDone = !blocks_.layOutNext();
    fit();
    return isDone;
}

void MessageText::takePlain() {
    qsizetype end = std::min(plainTaken_ + kPlainPart, plain_.size());
    if (const qsizetype line = plain_.lastIndexOf(u'\n', end - 1);
        end < plain_.size() && line >= plainTaken_)
        end = line + 1;
    const bool isAfterLine = plainTaken_ > 0 && plain_[plainTaken_ - 1] == u'\n';
    QTextDocument& document =
        blocks_.begin(BlockKind::Text, isAfterLine ? QStringLiteral("\n") : QString());
    const qsizetype length = end - plainTaken_ - (plain_[end - 1] == u'\n' ? 1 : 0);
    MarkdownWriter(document, MarkdownStyle::fromTheme())
        .appendPlain(plain_.mid(plainTaken_, length));
    blocks_.measureLast();
    plainTaken_ = end;
}

void MessageText::finish() {
    if (stream_)
        stream_->finish();
    stream_.reset();
    fit();
}

void MessageText::fit() {
    to_ = std::min(to_, blocks_.end());
    from_ = std::min(from_, blocks_.end());
    updateGeometry();
    update();
}

bool MessageText::layOutWithin(int top, int bottom) {
    blocks_.setWidth(width());
    const bool changed = blocks_.layOut(blocks_.blockAt(top), blocks_.blockAt(bottom));
    if (changed)
        fit();
    return changed;
}

QPoint MessageText::anchorAt(int y) const {
    const int block = blocks_.blockAt(y);
    return block < 0 ? QPoint(0, y) : QPoint(block, y - blocks_.rectOf(block).top());
}

int MessageText::heightOf(const QPoint& anchor) const {
    const int block = anchor.x();
    return block < blocks_.count() ? blocks_.rectOf(block).top() + anchor.y() : anchor.y();
}

int MessageText::heightForWidth(int) const {
    return qMax(blocks_.height(), fontMetrics().height());
}

QSize MessageText::sizeHint() const {
    return {kReadableWidth, heightForWidth(width())};
}

QSize MessageText::minimumSizeHint() const {
    return {0, heightForWidth(width())};
}

void MessageText::resizeEvent(QResizeEvent*) {
    blocks_.setWidth(width());
}

void MessageText::paintEvent(QPaintEvent* event) {
    QPainter painter(this);
    const QRect area = event->rect();
    for (int block = std::max(0, blocks_.blockAt(area.top()));
         block < blocks_.count() && blocks_.rectOf(block).top() <= area.bottom(); ++block)
        drawBlock(painter, block, area);
}

void MessageText::drawBlock(QPainter& painter, int block, const QRect& clip) const {
    const QRect area = blocks_.rectOf(block);
    if (blocks_.kind(block) != BlockKind::Text)
        painter.fillRect(area, MarkdownStyle::fromTheme().codeBackground);
    QAbstractTextDocumentLayout::PaintContext context;
    context.palette = palette();
    context.clip = clip.intersected(area).translated(-area.topLeft());
    const auto [first, last] = std::minmax(from_, to_);
    if (first != last && first.block <= block && block <= last.block) {
        QAbstractTextDocumentLayout::Selection selection;
        selection.cursor = QTextCursor(&blocks_.document(block));
        if (first.block == block)
            selection.cursor.setPosition(first.position);
        if (last.block == block)
            selection.cursor.setPosition(last.position, QTextCursor::KeepAnchor);
        else
            selection.cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
        selection.format.setBackground(palette().highlight());
        selection.format.setForeground(palette().highlightedText());
        context.selections.append(selection);
    }
    painter.save();
    painter.translate(area.topLeft());
    painter.setClipRect(context.clip, Qt::IntersectClip);
    blocks_.document(block).documentLayout()->draw(&painter, context);
    painter.restore();
}

} // namespace caldera::studio
