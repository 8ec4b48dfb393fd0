#include "widgets/chat/message_widget.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QLocale>
#include <QPainter>
#include <QResizeEvent>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/chat/message_text.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kButton = 24;
constexpr int kIconSize = 16;

QToolButton* actionButton(const QString& iconName, const QString& text, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setIcon(icon(iconName));
    button->setToolTip(text);
    button->setAccessibleName(text);
    button->setAutoRaise(true);
    button->setFixedSize(kButton, kButton);
    return button;
}

} // namespace

MessageWidget::MessageWidget(const ChatMessage& message, QWidget* parent)
    : QWidget(parent), message_(message), streaming_(message.end == ChatEnd::Streaming) {
    const bool user = message.role == ChatRole::User;
    author_ = new ToneLabel(user                      ? tr("You")
                            : message.model.isEmpty() ? tr("Model")
                                                      : message.model,
                            Token::Secondary, this);
    author_->setFont(Theme::current().textFont(-1, QFont::DemiBold));
    author_->setToolTip(QLocale().toString(message.time.toLocalTime(), QLocale::LongFormat));
    auto* layout = new QVBoxLayout(this);
    // An answer stands by its question, the next question apart from it.
    layout->setContentsMargins(0, user ? kSpaceLarge : 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addWidget(author_);
    layout->addWidget(buildText(user));
    layout->addWidget(buildNote());
    layout->addWidget(buildActions());
    restart();
    showNotes();
}

/// The text itself; a person's stands in a bubble.
QWidget* MessageWidget::buildText(bool user) {
    if (user) {
        auto* bubble = new Surface(Token::Raised, this);
        bubble->setRounded(true);
        bubble_ = bubble;
        text_ = new MessageText(bubble);
        auto* inside = new QVBoxLayout(bubble);
        inside->setContentsMargins(kSpaceMedium, kSpaceMedium, kSpaceMedium, kSpaceTiny);
        inside->addWidget(text_);
    } else {
        text_ = new MessageText(this);
    }
    connect(text_, &MessageText::menuRequested, this,
            [this](QMenu* menu, const BlockStack::Place& place) {
                Q_EMIT textMenuRequested(menu, message_.id, text_->blocks().text({}, place).size());
            });
    text_->setAccessibleName(user ? tr("Your message") : tr("Answer"));
    return user ? bubble_ : text_;
}

QWidget* MessageWidget::buildNote() {
    noteBox_ = new QWidget(this);
    noteIcon_ = new QLabel(noteBox_);
    note_ = new ToneLabel({}, Token::Secondary, noteBox_);
    note_->setWordWrap(true);
    note_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* layout = new QHBoxLayout(noteBox_);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(noteIcon_, 0, Qt::AlignTop);
    layout->addWidget(note_, 1);
    return noteBox_;
}

QWidget* MessageWidget::buildActions() {
    auto* box = new QWidget(this);
    buildButtons(box);
    buildVersions(box);
    figures_ = new ElidedLabel({}, box);
    figures_->setTone(Token::Secondary);
    figures_->setFont(Theme::current().numberFont(-1));

    // The row keeps its height when the buttons come and go: nothing moves under the cursor.
    box->setFixedHeight(kButton);
    auto* layout = new QHBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(versionBox_);
    layout->addWidget(figures_);
    layout->addWidget(actions_);
    layout->addStretch(1);
    return box;
}

void MessageWidget::buildButtons(QWidget* box) {
    actions_ = new QWidget(box);
    auto* copy = actionButton(u"copy"_s, tr("Copy"), actions_);
    auto* buttons = new QHBoxLayout(actions_);
    buttons->setContentsMargins(0, 0, 0, 0);
    buttons->setSpacing(0);
    buttons->addWidget(copy);
    connect(copy, &QToolButton::clicked, this,
            [this] { QGuiApplication::clipboard()->setText(message_.text); });
    if (message_.role == ChatRole::User) {
        edit_ = actionButton(u"edit"_s, tr("Edit and ask again"), actions_);
        connect(edit_, &QToolButton::clicked, this, [this] { Q_EMIT editRequested(message_.id); });
        buttons->addWidget(edit_);
    } else {
        again_ = actionButton(u"refresh"_s, tr("Answer again"), actions_);
        connect(again_, &QToolButton::clicked, this,
                [this] { Q_EMIT regenerateRequested(message_.id); });
        buttons->addWidget(again_);
        continue_ = actionButton(u"play"_s, tr("Continue this answer"), actions_);
        connect(continue_, &QToolButton::clicked, this,
                [this] { Q_EMIT continueRequested(message_.id); });
        buttons->addWidget(continue_);
    }
    QSizePolicy policy = actions_->sizePolicy();
    policy.setRetainSizeWhenHidden(true);
    actions_->setSizePolicy(policy);
    actions_->setVisible(false);
}

void MessageWidget::buildVersions(QWidget* box) {
    versionBox_ = new QWidget(box);
    previous_ = actionButton(u"chevron-left"_s, tr("Earlier version"), versionBox_);
    next_ = actionButton(u"chevron-right"_s, tr("Later version"), versionBox_);
    version_ = new ToneLabel({}, Token::Secondary, versionBox_);
    version_->setFont(Theme::current().numberFont(-1));
    auto* versionLayout = new QHBoxLayout(versionBox_);
    versionLayout->setContentsMargins(0, 0, 0, 0);
    versionLayout->setSpacing(0);
    versionLayout->addWidget(previous_);
    versionLayout->addWidget(version_);
    versionLayout->addWidget(next_);
    const auto go = [this](int direction) {
        const qsizetype place = versions_.indexOf(message_.id) + direction;
        if (place >= 0 && place < versions_.size())
            Q_EMIT versionRequested(versions_[place]);
    };
    connect(previous_, &QToolButton::clicked, this, [go] { go(-1); });
    connect(next_, &QToolButton::clicked, this, [go] { go(1); });
    versionBox_->hide();
}

void MessageWidget::setMessage(const ChatMessage& message) {
    message_ = message;
    showNotes();
}

void MessageWidget::setVersions(const QStringList& ids) {
    versions_ = ids;
    const qsizetype place = ids.indexOf(message_.id);
    versionBox_->setVisible(ids.size() > 1);
    version_->setText(tr("%1/%2").arg(place + 1).arg(ids.size()));
    previous_->setEnabled(place > 0);
    next_->setEnabled(place + 1 < ids.size());
}

void MessageWidget::setLast(bool last) {
    last_ = last;
    showNotes();
}

void MessageWidget::reopen(const ChatMessage& message) {
    message_ = message;
    streaming_ = true;
    restart();
    showNotes();
}

void MessageWidget::setLocked(bool locked) {
    if (continue_)
        continue_->setEnabled(!locked);
    if (again_)
        again_->setEnabled(!locked);
    if (edit_)
        edit_->setEnabled(!locked);
    versionBox_->setEnabled(!locked);
}

void MessageWidget::feed(const QString& text) {
    message_.text += text;
    text_->feed(text);
    rendered_ = false;
}

bool MessageWidget::renderSome(qsizetype characters) {
    if (rendered_)
        return true;
    rendered_ = text_->renderSome(characters);
    if (rendered_ && !streaming_)
        text_->finish();
    return rendered_;
}

void MessageWidget::finishText() {
    streaming_ = false;
    text_->finish();
    rendered_ = true;
    showNotes();
}

void MessageWidget::restart() {
    rendered_ = false;
    if (message_.role == ChatRole::User)
        return text_->beginPlain(message_.text);
    text_->beginMarkdown();
    text_->feed(message_.text);
}

int MessageWidget::textTop() const {
    return text_->mapTo(this, QPoint()).y();
}

void MessageWidget::layOutWithin(int top, int bottom) {
    text_->layOutWithin(top, bottom);
}

void MessageWidget::resizeEvent(QResizeEvent* event) {
    if (event->size().width() != event->oldSize().width())
        rendered_ = false; // the text fits another width
}

QString MessageWidget::figures() const {
    const ChatStatistics& known = message_.statistics;
    QStringList parts;
    if (known.tokensPerSecond > 0)
        parts.append(tr("%1 tok/s").arg(figureText(known.tokensPerSecond)));
    if (known.generatedTokens > 0)
        parts.append(tr("%n token(s)", nullptr, known.generatedTokens));
    if (known.timeToFirstToken >= 0)
        parts.append(tr("%1 s to the first").arg(figureText(known.timeToFirstToken, 2)));
    return parts.join(u" · "_s);
}

void MessageWidget::showNotes() {
    figures_->setText(figures());
    figures_->setVisible(!figures_->text().isEmpty());
    QString sentence;
    QString iconName = u"info"_s;
    Token tone = Token::Secondary;
    switch (message_.end) {
    case ChatEnd::Stopped:
        sentence = tr("Stopped.");
        iconName = u"stop"_s;
        break;
    case ChatEnd::Length:
        sentence = tr("The answer reached its limit of tokens. Continue it, or set a larger limit "
                      "under the settings button.");
        break;
    case ChatEnd::Failed:
        sentence = message_.error;
        iconName = u"error"_s;
        tone = Token::Bad;
        break;
    case ChatEnd::Complete:
    case ChatEnd::Streaming:
        break;
    }
    if (continue_)
        continue_->setVisible(last_ && message_.brokeOff());
    noteBox_->setVisible(!sentence.isEmpty());
    note_->setText(sentence);
    note_->setTone(tone == Token::Bad ? Token::Text : tone);
    noteIcon_->setPixmap(
        iconPixmap(iconName, Theme::current().color(tone), kIconSize, devicePixelRatioF()));
    actions_->setVisible(underMouse() && message_.end != ChatEnd::Streaming);
}

void MessageWidget::enterEvent(QEnterEvent*) {
    actions_->setVisible(message_.end != ChatEnd::Streaming);
}

void MessageWidget::leaveEvent(QEvent*) {
    actions_->setVisible(false);
}

void MessageWidget::paintEvent(QPaintEvent*) {
    // A quiet mark shows that an answer is on its way before its first word.
    if (message_.end != ChatEnd::Streaming || !message_.text.isEmpty())
        return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(Theme::current().color(Token::Accent));
    const QRect area = text_->geometry();
    painter.drawRoundedRect(QRectF(area.left(), area.top() + 2, 3, area.height() - 4), 1.5, 1.5);
}

} // namespace caldera::studio
