// The text of one message: as tall as it needs to be, selectable, with Markdown that grows.
#pragma once

#include <memory>
#include <optional>

#include <QElapsedTimer>
#include <QPoint>
#include <QWidget>

#include "widgets/chat/block_stack.h"
#include "widgets/chat/markdown_stream.h"

class QMenu;

namespace caldera::studio {

/// Draws the blocks in sight and lays out again only the last one. Links open outside only when
/// they are web addresses; nothing is ever loaded by itself.
class MessageText : public QWidget {
    Q_OBJECT
public:
    explicit MessageText(QWidget* parent = nullptr);

    /// Starts over with text as it stands.
    void beginPlain(const QString& text);
    /// Starts over with Markdown; feed() and finish() follow.
    void beginMarkdown();
    void feed(const QString& text);
    /// Draws what was fed and fits what is drawn to the width; at most about `characters` of it.
    /// True when all is done.
    bool renderSome(qsizetype characters);
    void finish();
    const BlockStack& blocks() const { return blocks_; }
    QString toPlainText() const { return blocks_.toPlainText(); }

    /// Fits the blocks between these heights to the width at once; true when heights changed.
    bool layOutWithin(int top, int bottom);
    /// A height that stays with its text when the width changes: the block, and how far below its
    /// top.
    QPoint anchorAt(int y) const;
    int heightOf(const QPoint& anchor) const;

    bool hasSelection() const { return from_ != to_; }
    QString selectedText() const;
    void selectAll();
    void copy() const;

    bool hasHeightForWidth() const override { return true; }
    /// At the width that it has: a width is never only tried.
    int heightForWidth(int width) const override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

Q_SIGNALS:
    /// The menu of the text is about to be shown at this place; more may be added.
    void menuRequested(QMenu* menu, const caldera::studio::BlockStack::Place& place);

protected:
    bool event(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void begin();
    void fit();
    void drawBlock(QPainter& painter, int block, const QRect& clip) const;
    void takePlain();
    /// Marks the word or the paragraph at a place.
    void select(const BlockStack::Place& place, bool paragraph);
    void setSelection(const BlockStack::Place& from, const BlockStack::Place& to);
    void follow(const QString& link, const QPoint& point);

    BlockStack blocks_;
    std::optional<MarkdownStream> stream_;
    QString plain_; ///< not yet drawn
    qsizetype plainTaken_ = 0;
    BlockStack::Place from_; ///< where the selection began
    BlockStack::Place to_;   ///< where it ends; may stand before its beginning
    QString pressedLink_;
    bool selecting_ = false;
    QElapsedTimer doubleClicked_; ///< a third click soon after marks the paragraph
    QPoint doubleClickedAt_;
};

} // namespace caldera::studio
