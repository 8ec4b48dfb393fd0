// Markdown that grows: finished blocks are rendered once, only the open tail is drawn again.
#pragma once

#include <QString>
#include <QTextDocument>

#include "widgets/chat/markdown_writer.h"

namespace caldera::studio {

/// Feed it text as it comes. The cost of a call depends on the unfinished block, not on the length
/// of the message.
class MarkdownStream {
public:
    /// An unfinished block longer than this is shown as plain text until it ends.
    static constexpr qsizetype kRenderedTail = 2000;

    MarkdownStream(QTextDocument& document, MarkdownStyle style);

    /// Adds text; nothing is drawn before flush().
    void feed(const QString& text) { incoming_ += text; }
    /// Draws what was fed.
    void flush();
    /// Draws at most about `characters` of what was fed, in whole lines; true when all is drawn.
    bool flushSome(qsizetype characters);
    /// Ends the last block; nothing may be fed afterwards.
    void finish();

private:
    struct Fence {
        QChar mark;
        qsizetype length = 0;
        qsizetype indentation = 0;
    };

    void takeLine(const QString& line);
    void takeTextLine(const QString& line);
    void takeCodeLine(const QString& line);
    void closeText();
    void hideTail();
    void showTail();

    MarkdownWriter writer_;
    QString incoming_;    ///< fed, not yet drawn
    QString partial_;     ///< a line without its end
    QString text_;        ///< lines of the open text block
    bool blank_ = false;  ///< a blank line came: the next one decides whether the block goes on
    bool inCode_ = false; ///< inside a top-level code block
    bool codeHasLines_ = false;
    bool nested_ = false; ///< inside a code block of a list item
    Fence fence_;
    bool tailShown_ = false;
    int tailMark_ = 0;
};

} // namespace caldera::studio
