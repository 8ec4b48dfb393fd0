#include "widgets/chat/markdown_stream.h"

#include <optional>
#include <utility>

#include <QRegularExpression>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qsizetype kTopLevelIndent = 3; // more spaces than this belong to a list item

qsizetype indentOf(const QString& line) {
    qsizetype count = 0;
    while (count < line.size() && line[count] == u' ')
        ++count;
    return count;
}

struct FenceLine {
    QChar mark;
    qsizetype length;
    qsizetype indentation;
    QString info;
};

/// A line that opens or closes a code block: at least three ` or ~.
std::optional<FenceLine> fenceOf(const QString& line) {
    const qsizetype indentation = indentOf(line);
    if (indentation >= line.size() || (line[indentation] != u'`' && line[indentation] != u'~'))
        return {};
    const QChar mark = line[indentation];
    qsizetype end = indentation;
    while (end < line.size() && line[end] == mark)
        ++end;
    const QString info = line.mid(end).trimmed();
    if (end - indentation < 3 || (mark == u'`' && info.contains(u'`')))
        return {};
    return FenceLine{mark, end - indentation, indentation, info};
}

/// The line below the names of a table's columns: only - : | and spaces.
bool isTableRule(const QString& line) {
    static const QRegularExpression rule(uR"(^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$)"_s);
    return line.contains(u'-') && line.contains(u'|') && rule.match(line).hasMatch();
}

} // namespace

MarkdownStream::MarkdownStream(BlockStack& blocks, MarkdownStyle style)
    : blocks_(blocks), style_(std::move(style)) {}

void MarkdownStream::flush() {
    flushSome(incoming_.size());
}

bool MarkdownStream::flushSome(qsizetype characters) {
    if (incoming_.isEmpty())
        return true;
    qsizetype taken = 0;
    for (qsizetype end = incoming_.indexOf(u'\n'); end >= 0 && taken < characters;
         end = incoming_.indexOf(u'\n', taken)) {
        takeLine(std::exchange(partial_, {}) + incoming_.mid(taken, end - taken));
        taken = end + 1;
    }
    incoming_.remove(0, taken);
    if (incoming_.contains(u'\n'))
        return false;
    partial_ = takeLongLine(partial_ + std::exchange(incoming_, {}));
    // A line of ` may yet become a code block; it is not shown as three marks first.
    if (!inCode_)
        draw(text_ + partial_);
    return true;
}

void MarkdownStream::finish() {
    flush();
    if (!partial_.isEmpty())
        takeLine(std::exchange(partial_, {}));
    if (!inCode_)
        closeText();
}

void MarkdownStream::takeLine(QString line) {
    if (line.endsWith(u'\r'))
        line.chop(1);
    line = takeLongLine(std::move(line));
    takePiece(inCode_ ? line : line + u'\n');
    midLine_ = false;
}

QString MarkdownStream::takeLongLine(QString line) {
    while (line.size() > kLongestLine) {
        const qsizetype space = line.lastIndexOf(u' ', kLongestLine - 1);
        const qsizetype end = space > 0 ? space + 1 : kLongestLine;
        takePiece(line.left(end));
        midLine_ = true;
        line.remove(0, end);
    }
    return line;
}

void MarkdownStream::takePiece(const QString& piece) {
    if (inCode_)
        takeCodePiece(piece);
    else
        takeTextPiece(piece);
}

bool MarkdownStream::closesFence(const QString& line) const {
    const std::optional<FenceLine> fence = midLine_ ? std::nullopt : fenceOf(line);
    return fence && fence->mark == fence_.mark && fence->length >= fence_.length &&
           fence->info.isEmpty();
}

void MarkdownStream::takeCodePiece(const QString& piece) {
    if (closesFence(piece)) {
        inCode_ = false;
        return;
    }
    addCode(midLine_ ? piece : piece.mid(qMin(indentOf(piece), fence_.indentation)));
}

void MarkdownStream::addCode(const QString& text) {
    QString added = text;
    if (blocks_.document(blocks_.count() - 1).characterCount() > kCodePart)
        blocks_.begin(BlockKind::Code, midLine_ ? QString() : u"\n"_s);
    else if (codeHasLines_ && !midLine_)
        added.prepend(u'\n');
    codeHasLines_ = true;
    MarkdownWriter(blocks_.document(blocks_.count() - 1), style_).appendCode(added);
    blocks_.measureLast();
}

void MarkdownStream::beginCode() {
    inCode_ = true;
    codeHasLines_ = false;
    MarkdownWriter(blocks_.begin(BlockKind::CodeHead), style_)
        .appendCodeHead(fenceOf(fence_.line)->info.section(u' ', 0, 0));
    blocks_.measureLast();
    MarkdownWriter(blocks_.begin(BlockKind::Code), style_).appendCode({});
    blocks_.measureLast();
}

void MarkdownStream::takeTextPiece(const QString& piece) {
    if (nested_) {
        nested_ = !closesFence(piece);
        text_ += piece;
        if (text_.size() > kLongestBlock && nested_)
            cutText();
        return;
    }
    const bool isEmpty = piece.trimmed().isEmpty();
    const bool isOutside = !midLine_ && indentOf(piece) < 2 && !piece.startsWith(u'\t');
    if (blank_ && !isEmpty && isOutside)
        closeText();
    else if (text_.size() > (isOutside || midLine_ ? 1 : 2) * kLongestBlock)
        cutText();
    const std::optional<FenceLine> fence = midLine_ ? std::nullopt : fenceOf(piece);
    if (fence) {
        const bool isTop =
            fence->indentation <= kTopLevelIndent && (text_.isEmpty() || fence->indentation < 2);
        if (isTop)
            closeText();
        fence_ = {fence->mark, fence->length, fence->indentation, piece};
        if (isTop)
            return beginCode();
        nested_ = true;
    }
    if (isEmpty && text_.isEmpty())
        return;
    blank_ = isEmpty;
    text_ += piece;
}

void MarkdownStream::draw(const QString& text) {
    if (isOpen_ && text == drawn_)
        return;
    drawn_ = text;
    if (text.trimmed().isEmpty() || text == head_) {
        if (std::exchange(isOpen_, false))
            blocks_.removeLast();
        return;
    }
    if (!std::exchange(isOpen_, true))
        blocks_.begin(BlockKind::Text, goesOn_ ? u" "_s : u"\n\n"_s);
    QTextDocument& document = blocks_.document(blocks_.count() - 1);
    document.clear();
    MarkdownWriter(document, style_).append(text);
    blocks_.measureLast();
}

void MarkdownStream::closeText() {
    draw(text_);
    isOpen_ = false;
    blank_ = false;
    nested_ = false;
    goesOn_ = false;
    head_.clear();
    text_.clear();
}

void MarkdownStream::cutText() {
    const QString head = repeatedHead();
    const bool wasNested = nested_;
    closeText();
    nested_ = wasNested;
    goesOn_ = true;
    head_ = text_ = head;
}

/// A table's first lines, or the line that opened a code block: without them the rest of the block
/// would be taken for something else.
QString MarkdownStream::repeatedHead() const {
    if (nested_)
        return fence_.line;
    const qsizetype first = text_.indexOf(u'\n') + 1;
    const qsizetype second = text_.indexOf(u'\n', first) + 1;
    return first > 0 && second > 0 && isTableRule(text_.mid(first, second - first - 1))
               ? text_.left(second)
               : QString();
}

} // namespace caldera::studio
