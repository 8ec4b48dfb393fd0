#include "widgets/chat/message_text.h"

#include <cmath>

#include <QAbstractTextDocumentLayout>
#include <QClipboard>
#include <QDesktopServices>
#include <QGuiApplication>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {
constexpr int kNoticeTime = 1200; // ms
} // namespace

MessageText::MessageText(QWidget* parent) : QTextBrowser(parent) {
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setOpenLinks(false);
    setUndoRedoEnabled(false);
    viewport()->setAutoFillBackground(false);
    document()->setDocumentMargin(0);
    setFocusPolicy(Qt::ClickFocus);
    connect(document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this,
            &MessageText::fitHeight);
    connect(this, &QTextBrowser::anchorClicked, this, &MessageText::follow);
}

void MessageText::setPlain(const QString& text) {
    stream_.reset();
    document()->clear();
    MarkdownWriter(*document(), MarkdownStyle::fromTheme()).appendPlain(text);
}

void MessageText::beginMarkdown() {
    document()->clear();
    stream_ = std::make_unique<MarkdownStream>(*document(), MarkdownStyle::fromTheme());
}

void MessageText::feed(const QString& text) {
    stream_->feed(text);
}

bool MessageText::flushSome(qsizetype characters) {
    return !stream_ || stream_->flushSome(characters);
}

void MessageText::finish() {
    if (stream_)
        stream_->finish();
    stream_.reset();
}

QVariant MessageText::loadResource(int, const QUrl&) {
    return {};
}

void MessageText::wheelEvent(QWheelEvent* event) {
    event->ignore();
}

void MessageText::resizeEvent(QResizeEvent* event) {
    QTextBrowser::resizeEvent(event);
    fitHeight();
}

void MessageText::fitHeight() {
    const int wanted = static_cast<int>(std::ceil(document()->size().height()));
    if (wanted != height())
        setFixedHeight(qMax(wanted, fontMetrics().height()));
    // A selection that was dragged past the edge must not leave the text scrolled.
    verticalScrollBar()->setValue(0);
}

void MessageText::follow(const QUrl& link) {
    const int block = MarkdownWriter::copyIndex(link.toString());
    if (block >= 0) {
        QGuiApplication::clipboard()->setText(codeOfBlock(*document(), block));
        QToolTip::showText(QCursor::pos(), tr("Copied"), this, {}, kNoticeTime);
    } else if (link.scheme() == "https"_L1 || link.scheme() == "http"_L1) {
        QDesktopServices::openUrl(link);
    }
}

} // namespace caldera::studio
