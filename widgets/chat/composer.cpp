#include "widgets/chat/composer.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/chat/chat_settings.h"
#include "widgets/support/labels.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kMostLines = 9;

} // namespace

Composer::Composer(QWidget* parent)
    : QWidget(parent), field_(new QPlainTextEdit(this)),
      send_(new QPushButton(icon(u"send"_s), tr("Send"), this)), fold_(new QToolButton(this)),
      hint_(new ToneLabel({}, Token::Secondary, this)), editStrip_(new QWidget(this)),
      settings_(new ChatSettings(this)) {
    prepareField();
    prepareControls();
    buildEditStrip();
    layOut();
    connect(fold_, &QToolButton::toggled, this, &Composer::setSettingsShown);
    connect(send_, &QPushButton::clicked, this, [this] {
        if (streaming_)
            Q_EMIT stopRequested();
        else
            submit();
    });
    connect(field_, &QPlainTextEdit::textChanged, this, [this] {
        fitField();
        updateButton();
    });
    connect(&Theme::current(), &Theme::themeChanged, this, qOverload<>(&QWidget::update));
    settings_->hide();
    fitField();
    updateButton();
}

void Composer::prepareField() {
    field_->setFrameShape(QFrame::NoFrame);
    field_->setPlaceholderText(tr("Write a message"));
    field_->setAccessibleName(tr("Message"));
    field_->setTabChangesFocus(true);
    field_->setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
    field_->viewport()->setAutoFillBackground(false);
    field_->document()->setDocumentMargin(0);
    field_->installEventFilter(this);
}

void Composer::prepareControls() {
    send_->setDefault(true);
    fold_->setIcon(icon(u"settings"_s));
    fold_->setCheckable(true);
    fold_->setAutoRaise(true);
    fold_->setFixedSize(kControlHeight, kControlHeight);
    fold_->setToolTip(tr("System prompt and sampling"));
    fold_->setAccessibleName(fold_->toolTip());
    hint_->setFont(Theme::current().textFont(-1));
    hint_->setWordWrap(true); // a warning is read whole, however narrow the window
}

void Composer::buildEditStrip() {
    auto* editText = new ToneLabel(tr("Editing an earlier message. What followed it is kept as "
                                      "another version."),
                                   Token::Secondary, editStrip_);
    auto* editLayout = new QHBoxLayout(editStrip_);
    editLayout->setContentsMargins(0, 0, 0, 0);
    editLayout->addWidget(editText, 1);
    auto* back = new QPushButton(tr("Back"), editStrip_);
    back->setFlat(true);
    editLayout->addWidget(back);
    editStrip_->hide();
    connect(back, &QPushButton::clicked, this, [this] {
        endEdit();
        Q_EMIT editCancelled();
    });
}

void Composer::layOut() {
    auto* bar = new QHBoxLayout;
    bar->setSpacing(kSpaceSmall);
    bar->addWidget(fold_);
    bar->addWidget(hint_, 1);
    bar->addWidget(send_);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceMedium, kSpaceMedium, kSpaceSmall, kSpaceSmall);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(settings_);
    layout->addWidget(editStrip_);
    layout->addWidget(field_);
    layout->addLayout(bar);
}

void Composer::setSettingsShown(bool shown) {
    fold_->setChecked(shown);
    settings_->setVisible(shown);
}

void Composer::setStreaming(bool streaming) {
    streaming_ = streaming;
    updateButton();
}

void Composer::setReady(bool ready, const QString& reason) {
    ready_ = ready;
    reason_ = reason;
    updateButton();
}

void Composer::setWarning(const QString& sentence) {
    if (warning_ == sentence)
        return;
    warning_ = sentence;
    updateButton();
}

void Composer::beginEdit(const QString& text) {
    if (!std::exchange(editing_, true))
        draft_ = field_->toPlainText();
    editStrip_->show();
    field_->setPlainText(text);
    field_->moveCursor(QTextCursor::End);
    field_->setFocus(Qt::OtherFocusReason);
}

void Composer::endEdit() {
    if (!std::exchange(editing_, false))
        return;
    editStrip_->hide();
    field_->setPlainText(std::exchange(draft_, {}));
    field_->moveCursor(QTextCursor::End);
}

void Composer::submit() {
    const QString text = field_->toPlainText().trimmed();
    if (text.isEmpty() || streaming_ || !ready_)
        return;
    field_->clear();
    Q_EMIT sendRequested(text);
}

void Composer::fitField() {
    // A plain text's size is told in lines.
    const int lines = qRound(field_->document()->size().height());
    const int shown = qBound(1, lines, kMostLines);
    field_->setFixedHeight(shown * field_->fontMetrics().lineSpacing() + kSpaceTiny);
}

void Composer::updateButton() {
    send_->setText(streaming_ ? tr("Stop") : tr("Send"));
    send_->setIcon(streaming_ ? icon(u"stop"_s) : QIcon());
    send_->setDefault(!streaming_);
    const bool hasText = !field_->toPlainText().trimmed().isEmpty();
    send_->setEnabled(streaming_ || (ready_ && hasText));
    hint_->setText(!reason_.isEmpty()    ? reason_
                   : streaming_          ? tr("Esc stops")
                   : !warning_.isEmpty() ? warning_
                                         : tr("Enter sends, Shift+Enter starts a new line"));
    hint_->setTone(!reason_.isEmpty() || streaming_ || warning_.isEmpty() ? Token::Secondary
                                                                          : Token::Warn);
}

bool Composer::handleKey(int key, Qt::KeyboardModifiers modifiers) {
    const bool enter = key == Qt::Key_Return || key == Qt::Key_Enter;
    if (enter && !modifiers.testFlag(Qt::ShiftModifier)) {
        submit();
        return true;
    }
    if (key != Qt::Key_Escape)
        return false;
    if (streaming_) {
        Q_EMIT stopRequested();
    } else if (editing_) {
        endEdit();
        Q_EMIT editCancelled();
    } else {
        return false;
    }
    return true;
}

bool Composer::eventFilter(QObject* object, QEvent* event) {
    if (event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (handleKey(key->key(), key->modifiers()))
            return true;
    }
    if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut)
        update();
    if (event->type() == QEvent::Resize)
        QMetaObject::invokeMethod(this, &Composer::fitField, Qt::QueuedConnection);
    return QWidget::eventFilter(object, event);
}

void Composer::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Theme& theme = Theme::current();
    painter.setPen(field_->hasFocus()
                       ? theme.color(Token::Accent)
                       : mix(theme.color(Token::Line), theme.color(Token::Secondary), 0.28));
    painter.setBrush(theme.color(Token::Raised));
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius * 2,
                            kRadius * 2);
}

} // namespace caldera::studio
