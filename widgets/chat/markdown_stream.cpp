#include "widgets/chat/markdown_stream.h"

#include <optional>

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

} // namespace

MarkdownStream::MarkdownStream(QTextDocument& document, MarkdownStyle style)
    : writer_(document, std::move(style)) {}

void MarkdownStream::flush() {
    flushSome(incoming_.size());
}

bool MarkdownStream::flushSome(qsizetype characters) {
    if (incoming_.isEmpty())
        return true;
    qsizetype taken = 0;
    hideTail();
    for (qsizetype end = incoming_.indexOf(u'\n'); end >= 0 && taken < characters;
         end = incoming_.indexOf(u'\n', taken)) {
        takeLine(partial_ + incoming_.mid(taken, end - taken));
        partial_.clear();
        taken = end + 1;
    }
    incoming_.remove(0, taken);
    const bool all = !incoming_.contains(u'\n');
    if (all)
        partial_ += std::exchange(incoming_, {});
    showTail();
    return all;
}

void MarkdownStream::finish() {
    flush();
    hideTail();
    if (!partial_.isEmpty())
        takeLine(std::exchange(partial_, {}));
    if (inCode_)
        writer_.endCode();
    else
        closeText();
}

void MarkdownStream::takeLine(const QString& line) {
    const QString clean = line.endsWith(u'\r') ? line.chopped(1) : line;
    if (inCode_)
        takeCodeLine(clean);
    else
        takeTextLine(clean);
}

void MarkdownStream::takeCodeLine(const QString& line) {
    const std::optional<FenceLine> fence = fenceOf(line);
    if (fence && fence->mark == fence_.mark && fence->length >= fence_.length &&
        fence->info.isEmpty()) {
        writer_.endCode();
        inCode_ = false;
        return;
    }
    const QString text = line.mid(qMin(indentOf(line), fence_.indentation));
    writer_.addCode(std::exchange(codeHasLines_, true) ? u'\n' + text : text);
}

void MarkdownStream::takeTextLine(const QString& line) {
    const bool empty = line.trimmed().isEmpty();
    const std::optional<FenceLine> fence = fenceOf(line);
    if (nested_) {
        nested_ = !(fence && fence->mark == fence_.mark && fence->length >= fence_.length &&
                    fence->info.isEmpty());
        text_ += line + u'\n';
        return;
    }
    if (blank_ && !empty && indentOf(line) < 2 && !line.startsWith(u'\t'))
        closeText();
    if (fence && fence->indentation <= kTopLevelIndent &&
        (text_.isEmpty() || fence->indentation < 2)) {
        closeText();
        fence_ = {fence->mark, fence->length, fence->indentation};
        inCode_ = true;
        codeHasLines_ = false;
        writer_.beginCode(fence->info.section(u' ', 0, 0));
        return;
    }
    if (fence) {
        fence_ = {fence->mark, fence->length, fence->indentation};
        nested_ = true;
    }
    if (empty && text_.isEmpty())
        return;
    blank_ = empty;
    text_ += line + u'\n';
}

void MarkdownStream::closeText() {
    blank_ = false;
    nested_ = false;
    if (!text_.trimmed().isEmpty())
        writer_.append(text_);
    text_.clear();
}

void MarkdownStream::showTail() {
    const QString tail = inCode_ ? QString() : text_ + partial_;
    if (tail.trimmed().isEmpty())
        return;
    // A line of ` may yet become a code block; it is not shown as three marks first.
    tailMark_ = writer_.mark();
    tailShown_ = true;
    if (tail.size() <= kRenderedTail)
        writer_.append(tail);
    else
        writer_.appendPlain(tail.trimmed());
}

void MarkdownStream::hideTail() {
    if (std::exchange(tailShown_, false))
        writer_.rewind(tailMark_);
}

} // namespace caldera::studio
