#include "widgets/chat/markdown_writer.h"

#include <QCoreApplication>
#include <QTextFrame>
#include <QTextTable>

#include <utility>

#include "widgets/chat/markdown_renderer.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qreal kLineHeight = 135; // percent
constexpr auto kCopyScheme = "copy:"_L1;
constexpr int kCodeProperty = QTextFormat::UserProperty + 1; // index of a code block's table

QList<QTextFrame*> codeFrames(const QTextDocument& document) {
    QList<QTextFrame*> frames = document.rootFrame()->childFrames();
    frames.removeIf(
        [](const QTextFrame* frame) { return !frame->frameFormat().hasProperty(kCodeProperty); });
    return frames;
}

QTextTableFormat codeTableFormat() {
    QTextTableFormat format;
    format.setWidth(QTextLength(QTextLength::PercentageLength, 100));
    format.setBorder(0);
    format.setCellPadding(kSpaceSmall);
    format.setCellSpacing(0);
    return format;
}

} // namespace

MarkdownStyle MarkdownStyle::fromTheme() {
    const Theme& theme = Theme::current();
    MarkdownStyle style;
    style.text = theme.textFont();
    style.code = theme.numberFont();
    style.ink = theme.color(Token::Text);
    style.secondary = theme.color(Token::Secondary);
    style.accent = theme.color(Token::Accent);
    style.line = theme.color(Token::Line);
    style.codeBackground = mix(theme.color(Token::Window), theme.color(Token::Line), 0.5);
    return style;
}

MarkdownWriter::MarkdownWriter(QTextDocument& document, MarkdownStyle style)
    : style_(std::move(style)), cursor_(&document) {
    document.setDefaultFont(style_.text);
    cursor_.movePosition(QTextCursor::End);
}

QTextBlockFormat MarkdownWriter::blockFormat(qreal above, qreal below, int indentation) const {
    QTextBlockFormat format;
    format.setTopMargin(above);
    format.setBottomMargin(below);
    format.setLeftMargin(indentation);
    format.setLineHeight(kLineHeight, QTextBlockFormat::ProportionalHeight);
    return format;
}

QTextBlockFormat MarkdownWriter::thinFormat() {
    QTextBlockFormat format;
    format.setLineHeight(1, QTextBlockFormat::FixedHeight);
    return format;
}

QTextCharFormat MarkdownWriter::textFormat() const {
    QTextCharFormat format;
    format.setFont(style_.text);
    format.setForeground(style_.ink);
    return format;
}

QTextCursor& MarkdownWriter::openBlock(const QTextBlockFormat& format) {
    cursor_.movePosition(QTextCursor::End);
    if (std::exchange(fresh_, false)) {
        cursor_.setBlockFormat(format);
        cursor_.setBlockCharFormat(textFormat());
    } else {
        cursor_.insertBlock(format, textFormat());
    }
    return cursor_;
}

void MarkdownWriter::append(const QString& markdown) {
    cursor_.beginEditBlock();
    renderMarkdown(markdown, *this);
    cursor_.endEditBlock();
}

void MarkdownWriter::appendPlain(const QString& text) {
    QString lines = text;
    lines.replace(u'\n', QChar::LineSeparator);
    openBlock(blockFormat(0, 0, 0)).insertText(lines, textFormat());
}

void MarkdownWriter::fillCodeHead(QTextTable& table, const QString& language, int index) {
    QTextCharFormat quiet = textFormat();
    quiet.setForeground(style_.secondary);
    table.cellAt(0, 0).firstCursorPosition().insertText(language, quiet);
    QTextCursor right = table.cellAt(0, 1).firstCursorPosition();
    QTextBlockFormat aligned;
    aligned.setAlignment(Qt::AlignRight);
    right.setBlockFormat(aligned);
    QTextCharFormat link = quiet;
    link.setAnchor(true);
    link.setAnchorHref(copyLink(index));
    link.setForeground(style_.accent);
    right.insertText(QCoreApplication::translate("MarkdownWriter", "Copy"), link);
}

void MarkdownWriter::appendCodeHead(const QString& language) {
    openBlock(thinFormat());
    fillCodeHead(*cursor_.insertTable(1, 2, codeTableFormat()), language, 0);
    markFresh();
}

void MarkdownWriter::appendCode(const QString& lines) {
    QString paragraphs = lines;
    paragraphs.replace(u'\n', QChar::ParagraphSeparator);
    cursor_.movePosition(QTextCursor::End);
    cursor_.insertText(paragraphs, codeFormat());
}

QTextCharFormat MarkdownWriter::codeFormat() const {
    QTextCharFormat format;
    format.setFont(style_.code);
    format.setForeground(style_.ink);
    return format;
}

void MarkdownWriter::writeCode(const QString& language, const QString& text) {
    const int index = static_cast<int>(codeFrames(*cursor_.document()).size());
    openBlock(thinFormat());
    QTextTableFormat format = codeTableFormat();
    format.setProperty(kCodeProperty, index);
    format.setBackground(style_.codeBackground);
    format.setTopMargin(kSpaceTiny);
    format.setBottomMargin(kSpaceMedium);
    QTextTable* table = cursor_.insertTable(2, 2, format);
    table->mergeCells(1, 0, 1, 2);
    fillCodeHead(*table, language, index);
    QString lines = text.endsWith(u'\n') ? text.chopped(1) : text;
    lines.replace(u'\n', QChar::LineSeparator);
    table->cellAt(1, 0).firstCursorPosition().insertText(lines, codeFormat());
    markFresh();
}

void MarkdownWriter::markFresh() {
    cursor_.movePosition(QTextCursor::End);
    cursor_.setBlockFormat(thinFormat());
    fresh_ = true;
}

QString MarkdownWriter::copyLink(int index) {
    return kCopyScheme + QString::number(index);
}

int MarkdownWriter::copyIndex(const QString& link) {
    if (!link.startsWith(kCopyScheme))
        return -1;
    bool ok = false;
    const int index = link.mid(kCopyScheme.size()).toInt(&ok);
    return ok ? index : -1;
}

QString codeOfBlock(const QTextDocument& document, int index) {
    const QList<QTextFrame*> frames = codeFrames(document);
    if (index < 0 || index >= frames.size())
        return {};
    auto* table = qobject_cast<QTextTable*>(frames[index]);
    QTextCursor cursor = table->cellAt(1, 0).firstCursorPosition();
    cursor.setPosition(table->cellAt(1, 0).lastCursorPosition().position(),
                       QTextCursor::KeepAnchor);
    QString text = cursor.selectedText();
    text.replace(QChar::LineSeparator, u'\n').replace(QChar::ParagraphSeparator, u'\n');
    return text;
}

} // namespace caldera::studio
