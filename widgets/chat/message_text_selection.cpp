// How the text of a message is marked, copied and followed.
#include <QClipboard>
#include <QContextMenuEvent>
#include <QCursor>
#include <QDesktopServices>
#include <QGuiApplication>
#include <QHelpEvent>
#include <QMenu>
#include <QStyleHints>
#include <QTextBlock>
#include <QTextCursor>
#include <QToolTip>
#include <QUrl>

#include <algorithm>
#include <utility>

#include "widgets/chat/message_text.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kNoticeTime = 1200; // ms

bool isWebAddress(const QUrl& url) {
    return url.scheme() == "https"_L1 || url.scheme() == "http"_L1;
}

} // namespace

QString MessageText::selectedText() const {
    const auto [first, last] = std::minmax(from_, to_);
    return first == last ? QString() : blocks_.text(first, last);
}

void MessageText::copy() const {
    if (hasSelection())
        QGuiApplication::clipboard()->setText(selectedText());
}

void MessageText::selectAll() {
    setSelection({}, blocks_.end());
}

void MessageText::setSelection(const BlockStack::Place& from, const BlockStack::Place& to) {
    from_ = from;
    to_ = to;
    update();
}

void MessageText::select(const BlockStack::Place& place, bool paragraph) {
    if (place.block >= blocks_.count())
        return;
    QTextCursor cursor(&blocks_.document(place.block));
    cursor.setPosition(place.position);
    cursor.select(paragraph ? QTextCursor::BlockUnderCursor : QTextCursor::WordUnderCursor);
    setSelection({place.block, cursor.selectionStart()}, {place.block, cursor.selectionEnd()});
}

void MessageText::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton)
        return;
    const QPoint point = event->position().toPoint();
    pressedLink_ = blocks_.linkAt(point);
    const BlockStack::Place place = blocks_.placeAt(point);
    const QStyleHints& hints = *QGuiApplication::styleHints();
    const bool isThird = doubleClicked_.isValid() &&
                         doubleClicked_.elapsed() < hints.mouseDoubleClickInterval() &&
                         (point - doubleClickedAt_).manhattanLength() < hints.startDragDistance();
    doubleClicked_.invalidate();
    if (isThird)
        return select(place, true);
    selecting_ = true;
    setSelection(event->modifiers() & Qt::ShiftModifier ? from_ : place, place);
}

void MessageText::mouseMoveEvent(QMouseEvent* event) {
    const QPoint point = event->position().toPoint();
    if (selecting_ && event->buttons() & Qt::LeftButton)
        return setSelection(from_, blocks_.placeAt(point));
    setCursor(blocks_.linkAt(point).isEmpty() ? Qt::IBeamCursor : Qt::PointingHandCursor);
}

void MessageText::mouseReleaseEvent(QMouseEvent* event) {
    selecting_ = false;
    const QString link = std::exchange(pressedLink_, {});
    const QPoint point = event->position().toPoint();
    if (!hasSelection() && !link.isEmpty() && blocks_.linkAt(point) == link)
        follow(link, point);
    else if (hasSelection() && QGuiApplication::clipboard()->supportsSelection())
        QGuiApplication::clipboard()->setText(selectedText(), QClipboard::Selection);
}

void MessageText::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton)
        return;
    doubleClickedAt_ = event->position().toPoint();
    doubleClicked_.start();
    select(blocks_.placeAt(doubleClickedAt_), false);
}

void MessageText::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Copy"), this, &MessageText::copy)->setEnabled(hasSelection());
    const QString link = blocks_.linkAt(event->pos());
    if (isWebAddress(QUrl(link)))
        menu->addAction(tr("Copy link address"), this,
                        [link] { QGuiApplication::clipboard()->setText(link); });
    menu->addAction(tr("Select all"), this, &MessageText::selectAll);
    Q_EMIT menuRequested(menu, blocks_.placeAt(event->pos()));
    menu->popup(event->globalPos());
}

void MessageText::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy))
        copy();
    else if (event->matches(QKeySequence::SelectAll))
        selectAll();
    else
        QWidget::keyPressEvent(event);
}

bool MessageText::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const QString link = blocks_.linkAt(help->pos());
        QToolTip::showText(help->globalPos(), isWebAddress(QUrl(link)) ? link : QString(), this);
        return true;
    }
    if (event->type() == QEvent::ShortcutOverride) {
        auto* key = static_cast<QKeyEvent*>(event);
        if (key->matches(QKeySequence::Copy) || key->matches(QKeySequence::SelectAll))
            event->accept();
    }
    return QWidget::event(event);
}

void MessageText::follow(const QString& link, const QPoint& point) {
    const int index = MarkdownWriter::copyIndex(link);
    if (index >= 0) {
        const int block = blocks_.blockAt(point.y());
        QGuiApplication::clipboard()->setText(blocks_.kind(block) == BlockKind::CodeHead
                                                  ? blocks_.codeBelow(block)
                                                  : codeOfBlock(blocks_.document(block), index));
        QToolTip::showText(QCursor::pos(), tr("Copied"), this, {}, kNoticeTime);
    } else if (isWebAddress(QUrl(link))) {
        QDesktopServices::openUrl(QUrl(link));
    }
}

} // namespace caldera::studio
