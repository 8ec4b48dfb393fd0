// The text of one message: as tall as it needs to be, selectable, with Markdown that grows.
#pragma once

#include <memory>

#include <QTextBrowser>

#include "widgets/chat/markdown_stream.h"

namespace caldera::studio {

/// Links open outside only when they are web addresses; nothing is ever loaded by itself.
class MessageText : public QTextBrowser {
    Q_OBJECT
public:
    explicit MessageText(QWidget* parent = nullptr);

    /// Shows text as it stands.
    void setPlain(const QString& text);
    /// Starts over with Markdown; feed() and finish() follow.
    void beginMarkdown();
    void feed(const QString& text);
    /// Draws what was fed; at most about `characters` of it. True when all is drawn.
    bool flushSome(qsizetype characters);
    void finish();

protected:
    QVariant loadResource(int type, const QUrl& name) override;
    void wheelEvent(QWheelEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void fitHeight();
    void follow(const QUrl& link);

    std::unique_ptr<MarkdownStream> stream_;
};

} // namespace caldera::studio
