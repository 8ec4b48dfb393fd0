// Markdown that grows: finished blocks are rendered once, only the open tail is drawn again.
#pragma once

#include <QString>

#include "widgets/chat/block_stack.h"
#include "widgets/chat/markdown_writer.h"

namespace caldera::studio {

/// Feed it text as it comes. The cost of a call depends on the unfinished block, not on the length
/// of the message, and no block grows without bound: a paragraph, list or table that is too long
/// goes on in a block of its own.
class MarkdownStream {
public:
    static constexpr qsizetype kLongestLine = 2000;  ///< characters that are taken as one line
    static constexpr qsizetype kLongestBlock = 2000; ///< after which a block ends at its next line
    static constexpr qsizetype kCodePart = 4000;     ///< characters of code in one block

    MarkdownStream(BlockStack& blocks, MarkdownStyle style);

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
        QString line; ///< that opened it
    };

    void takeLine(QString line);
    /// Takes the beginning of a line that is too long, where it is; gives what is left of it.
    QString takeLongLine(QString line);
    void takePiece(const QString& piece);
    void takeTextPiece(const QString& piece);
    void takeCodePiece(const QString& piece);
    void addCode(const QString& text);
    bool closesFence(const QString& line) const;
    void beginCode();
    void closeText();
    void cutText();
    QString repeatedHead() const;
    void draw(const QString& text);

    BlockStack& blocks_;
    MarkdownStyle style_;
    QString incoming_;     ///< fed, not yet taken
    QString partial_;      ///< a line without its end
    bool midLine_ = false; ///< the beginning of the line is taken already
    QString text_;         ///< of the open block
    QString head_;         ///< what `text_` repeats of the block it goes on with
    QString drawn_;        ///< of the open block
    bool isOpen_ = false;  ///< the last block on screen is the open one
    bool goesOn_ = false;  ///< the open block goes on with the one above it
    bool blank_ = false;   ///< a blank line came: the next one decides whether the block goes on
    bool inCode_ = false;  ///< inside a top-level code block
    bool codeHasLines_ = false;
    bool nested_ = false; ///< inside a code block of a list item
    Fence fence_;
};

} // namespace caldera::studio
