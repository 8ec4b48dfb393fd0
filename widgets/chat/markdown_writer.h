// Markdown into a text document, block by block, with md4c.
#pragma once

#include <QColor>
#include <QFont>
#include <QString>
#include <QTextCursor>
#include <QTextDocument>

class QTextTable;

namespace caldera::studio {

/// Colours and fonts of a rendered message.
struct MarkdownStyle {
    QFont text;
    QFont code;
    QColor ink;
    QColor secondary;
    QColor accent;
    QColor line;
    QColor codeBackground;

    static MarkdownStyle fromTheme();
};

/// Appends to the end of one document. Raw HTML is shown as it stands and pictures are named, never
/// loaded: an answer cannot make the studio open a file or an address.
class MarkdownWriter {
public:
    MarkdownWriter(QTextDocument& document, MarkdownStyle style);

    /// Renders any Markdown that holds no fenced code at its top level.
    void append(const QString& markdown);
    /// Appends `text` as it stands, with its line breaks.
    void appendPlain(const QString& text);

    /// What stands above code in a document of its own: `language`, and a link that copies it.
    void appendCodeHead(const QString& language);
    /// Adds lines of literal code to a document that holds nothing else.
    void appendCode(const QString& lines);

    /// A text block to write in: the empty one at the end, or a new one.
    QTextCursor& openBlock(const QTextBlockFormat& format);
    /// A code block among other text, with the same head.
    void writeCode(const QString& language, const QString& text);
    /// Says that the document's last block is empty and may be written in.
    void markFresh();
    const MarkdownStyle& style() const { return style_; }
    QTextBlockFormat blockFormat(qreal above, qreal below, int indentation) const;
    /// For the blocks that a table needs before and after it: not to be seen.
    static QTextBlockFormat thinFormat();
    QTextCharFormat textFormat() const;

    /// Address of the link that copies code block `index`, and the reverse (-1: another link).
    static QString copyLink(int index);
    static int copyIndex(const QString& link);

private:
    void fillCodeHead(QTextTable& table, const QString& language, int index);
    QTextCharFormat codeFormat() const;

    MarkdownStyle style_;
    QTextCursor cursor_;
    bool fresh_ = true;
};

/// The code of block `index` of a document written by MarkdownWriter; empty when there is none.
QString codeOfBlock(const QTextDocument& document, int index);

} // namespace caldera::studio
