// Where the messages of a transcript stand, and which of them have widgets.
#include <QLayout>
#include <QScopedValueRollback>
#include <QScrollBar>
#include <QToolButton>

#include <algorithm>

#include "widgets/chat/message_text.h"
#include "widgets/chat/message_widget.h"
#include "widgets/chat/transcript.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr int kNearEnd = 4;              // px that still count as the end
constexpr int kMessageGap = kSpaceSmall; // the row of buttons is air already
constexpr int kMessageFrame = 64;        // px of a message beside its text, about
constexpr int kSettleRounds = 8;         // until what is in sight is known

} // namespace

int Transcript::guessHeight(const ChatMessage& message) const {
    const QFontMetrics metrics = fontMetrics();
    const int lineLength = qMax(1, columnWidth_ / qMax(1, metrics.averageCharWidth()));
    const auto lines = static_cast<int>(message.text.size()) / lineLength + 1;
    return kMessageFrame + lines * metrics.lineSpacing() * 4 / 3;
}

int Transcript::measure(const Entry& entry) const {
    QLayout* layout = entry.widget->layout();
    layout->activate();
    return layout->hasHeightForWidth() ? layout->totalHeightForWidth(columnWidth_)
                                       : layout->totalSizeHint().height();
}

void Transcript::stack() {
    int top = kSpaceHuge;
    for (Entry& entry : entries_) {
        entry.top = top;
        top += entry.height + kMessageGap;
    }
}

int Transcript::contentHeight() const {
    return entries_.empty() ? 0 : entries_.back().top + entries_.back().height + kSpaceHuge;
}

int Transcript::entryAt(int y) const {
    const auto below =
        std::upper_bound(entries_.begin(), entries_.end(), y,
                         [](int value, const Entry& entry) { return value < entry.top; });
    return std::max(0, static_cast<int>(below - entries_.begin()) - 1);
}

void Transcript::takeAnchor(int y) {
    if (entries_.empty())
        return;
    const int index = entryAt(y);
    const Entry& entry = entries_[static_cast<std::size_t>(index)];
    anchor_ = {index, y - entry.top, {-1, 0}};
    if (entry.widget) {
        const int inText = entry.widget->textTop();
        if (anchor_.below > inText)
            anchor_.inText = entry.widget->text()->anchorAt(anchor_.below - inText);
    }
}

int Transcript::heightOfAnchor() const {
    if (entries_.empty())
        return 0;
    const auto index = std::min(static_cast<std::size_t>(anchor_.entry), entries_.size() - 1);
    const Entry& entry = entries_[index];
    if (anchor_.inText.x() < 0 || !entry.widget)
        return entry.top + anchor_.below;
    return entry.top + entry.widget->textTop() + entry.widget->text()->heightOf(anchor_.inText);
}

int Transcript::wantedTop() const {
    const int last = qMax(0, contentHeight() - viewport()->height());
    return following_ ? last : qBound(0, heightOfAnchor(), last);
}

bool Transcript::settle() {
    const int top = wantedTop();
    const int bottom = top + viewport()->height();
    bool changed = false;
    for (int i = entryAt(top); i < messageCount(); ++i) {
        Entry& entry = entries_[static_cast<std::size_t>(i)];
        if (entry.top > bottom)
            break;
        if (!entry.widget)
            realise(entry);
        if (entry.widget->width() != columnWidth_) {
            entry.widget->resize(columnWidth_, entry.widget->height());
            wake(0);
        }
        const int text = entry.top + entry.widget->textTop();
        entry.widget->layOutWithin(top - text, bottom - text);
    }
    for (Entry& entry : entries_) {
        if (!entry.widget)
            continue;
        const int height = measure(entry);
        changed = changed || height != entry.height;
        entry.height = height;
    }
    stack();
    return changed;
}

void Transcript::arrange() {
    if (arranging_)
        return;
    const QScopedValueRollback guard(arranging_, true);
    arrange_.stop();
    const int width = qMin(kReadableWidth, viewport()->width() - 2 * kSpaceHuge);
    if (width != columnWidth_) {
        columnWidth_ = width;
        for (Entry& entry : entries_) {
            if (!entry.widget)
                entry.height = guessHeight(entry.message);
        }
    }
    stack();
    for (int round = 0; round < kSettleRounds && settle(); ++round) {
    }
    place();
}

void Transcript::place() {
    const int page = viewport()->height();
    const int top = wantedTop();
    verticalScrollBar()->setPageStep(page);
    verticalScrollBar()->setSingleStep(fontMetrics().lineSpacing() * 2);
    verticalScrollBar()->setRange(0, qMax(0, contentHeight() - page));
    verticalScrollBar()->setValue(top);
    releaseFar(top - 2 * page, top + 3 * page);
    const int left = (viewport()->width() - columnWidth_) / 2;
    for (const Entry& entry : entries_) {
        if (entry.widget)
            entry.widget->setGeometry(left, entry.top - top, columnWidth_, entry.height);
    }
}

void Transcript::releaseFar(int top, int bottom) {
    for (Entry& entry : entries_) {
        if (!entry.widget || (entry.top + entry.height >= top && entry.top <= bottom))
            continue;
        const bool isUsed = entry.widget->isAncestorOf(focusWidget()) ||
                            entry.widget->text()->hasSelection() ||
                            entry.message.end == ChatEnd::Streaming;
        if (!isUsed)
            release(entry);
    }
}

void Transcript::scrollContentsBy(int, int) {
    if (arranging_)
        return;
    const int value = verticalScrollBar()->value();
    following_ = value >= verticalScrollBar()->maximum() - kNearEnd;
    toEnd_->setVisible(!following_);
    takeAnchor(value);
    arrange();
}

} // namespace caldera::studio
