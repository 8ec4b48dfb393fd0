#include "widgets/chat/block_stack.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <QAbstractTextDocumentLayout>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocumentFragment>
#include <QTextFrame>

#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

/// Code stands off the edge of its ground, but its parts do not stand off each other.
void padCode(QTextDocument& document, bool isFirst, bool isLast) {
    QTextFrameFormat format = document.rootFrame()->frameFormat();
    format.setLeftMargin(kSpaceSmall);
    format.setRightMargin(kSpaceSmall);
    format.setTopMargin(isFirst ? kSpaceTiny : 0);
    format.setBottomMargin(isLast ? kSpaceSmall : 0);
    document.rootFrame()->setFrameFormat(format);
}

QString textOf(QTextDocument& document, int from, int to) {
    QTextCursor cursor(&document);
    cursor.setPosition(from);
    cursor.setPosition(to, QTextCursor::KeepAnchor);
    return cursor.selection().toPlainText();
}

} // namespace

void BlockStack::clear() {
    blocks_.clear();
    nextStale_ = 0;
}

QTextDocument& BlockStack::document(int block) const {
    return *blocks_[static_cast<std::size_t>(block)].document;
}

bool BlockStack::isCode(int block) const {
    return block >= 0 && block < count() && kind(block) == BlockKind::Code;
}

QTextDocument& BlockStack::begin(BlockKind kind, const QString& parting) {
    Block block;
    block.kind = kind;
    block.parting = parting;
    block.document = std::make_unique<QTextDocument>();
    QTextDocument& document = *block.document;
    document.setUndoRedoEnabled(false);
    document.setDocumentMargin(0);
    QTextOption wrap = document.defaultTextOption();
    wrap.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    document.setDefaultTextOption(wrap);
    if (kind == BlockKind::Code) {
        if (isCode(count() - 1)) {
            padCode(*blocks_.back().document, !isCode(count() - 2), false);
            measureLast();
        }
        padCode(document, !isCode(count() - 1), true);
    }
    blocks_.push_back(std::move(block));
    measureLast();
    return document;
}

void BlockStack::removeLast() {
    blocks_.pop_back();
    nextStale_ = std::min(nextStale_, count());
}

void BlockStack::measureLast() {
    if (blocks_.empty())
        return;
    measure(blocks_.back());
    stackFrom(count() - 1);
}

/// The margins that Qt leaves away at the edges of a document; the larger of two that meet counts.
int BlockStack::gapBetween(const Block& above, const Block& below) {
    if (above.kind == BlockKind::Code && below.kind != BlockKind::Code)
        return kSpaceMedium;
    if (below.kind == BlockKind::CodeHead)
        return kSpaceSmall;
    if (below.kind == BlockKind::Code)
        return 0;
    return static_cast<int>(qMax(above.document->lastBlock().blockFormat().bottomMargin(),
                                 below.document->firstBlock().blockFormat().topMargin()));
}

bool BlockStack::measure(Block& block) const {
    if (block.laidOutFor != width_ && width_ > 0) {
        block.document->setTextWidth(width_);
        block.laidOutFor = width_;
    }
    const int height = static_cast<int>(std::ceil(block.document->size().height()));
    return std::exchange(block.height, height) != height;
}

void BlockStack::stackFrom(int block) {
    for (auto i = static_cast<std::size_t>(block); i < blocks_.size(); ++i) {
        if (i == 0)
            blocks_[i].top = 0;
        else
            blocks_[i].top =
                blocks_[i - 1].top + blocks_[i - 1].height + gapBetween(blocks_[i - 1], blocks_[i]);
    }
}

void BlockStack::setWidth(int width) {
    if (width == width_)
        return;
    width_ = width;
    nextStale_ = 0;
}

bool BlockStack::layOut(int first, int last) {
    int changed = -1;
    for (int i = std::max(0, first); i <= std::min(last, count() - 1); ++i) {
        Block& block = blocks_[static_cast<std::size_t>(i)];
        if (block.laidOutFor != width_ && measure(block) && changed < 0)
            changed = i;
    }
    if (changed >= 0)
        stackFrom(changed);
    return changed >= 0;
}

bool BlockStack::layOutNext() {
    while (nextStale_ < count() &&
           blocks_[static_cast<std::size_t>(nextStale_)].laidOutFor == width_)
        ++nextStale_;
    if (nextStale_ == count())
        return false;
    layOut(nextStale_, nextStale_);
    ++nextStale_;
    return true;
}

int BlockStack::height() const {
    return blocks_.empty() ? 0 : blocks_.back().top + blocks_.back().height;
}

QRect BlockStack::rectOf(int block) const {
    const Block& it = blocks_[static_cast<std::size_t>(block)];
    return {0, it.top, width_, it.height};
}

int BlockStack::blockAt(int y) const {
    const auto below =
        std::upper_bound(blocks_.begin(), blocks_.end(), y,
                         [](int value, const Block& block) { return value < block.top; });
    return below == blocks_.begin() ? (blocks_.empty() ? -1 : 0)
                                    : static_cast<int>(below - blocks_.begin()) - 1;
}

BlockStack::Place BlockStack::placeAt(const QPoint& point) const {
    const int block = blockAt(point.y());
    if (block < 0)
        return {};
    const QPointF inside = point - rectOf(block).topLeft();
    return {block, qMax(0, document(block).documentLayout()->hitTest(inside, Qt::FuzzyHit))};
}

QString BlockStack::linkAt(const QPoint& point) const {
    const int block = blockAt(point.y());
    if (block < 0 || !rectOf(block).contains(point))
        return {};
    return document(block).documentLayout()->anchorAt(point - rectOf(block).topLeft());
}

BlockStack::Place BlockStack::end() const {
    return blocks_.empty() ? Place{}
                           : Place{count() - 1, blocks_.back().document->characterCount() - 1};
}

QString BlockStack::text(const Place& from, const Place& to) const {
    QString all;
    for (int i = from.block; i <= to.block && i < count(); ++i) {
        const int begin = i == from.block ? from.position : 0;
        const int end = i == to.block ? to.position : document(i).characterCount() - 1;
        if (kind(i) == BlockKind::CodeHead)
            continue;
        if (!all.isEmpty())
            all += blocks_[static_cast<std::size_t>(i)].parting;
        all += textOf(document(i), begin, end);
    }
    return all;
}

QString BlockStack::codeBelow(int head) const {
    int last = head;
    while (isCode(last + 1))
        ++last;
    return last == head ? QString()
                        : text({head + 1, 0}, {last, document(last).characterCount() - 1});
}

} // namespace caldera::studio
