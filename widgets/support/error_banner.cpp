#include "widgets/support/error_banner.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QLabel>
#include <QPainter>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include <utility>

#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

ErrorBanner::ErrorBanner(QWidget* parent)
    : QWidget(parent), picture_(new QLabel(this)),
      sentence_(new ToneLabel(QString(), Token::Text, this)), action_(new QPushButton(this)),
      fold_(iconButton(u"chevron-down"_s, tr("Show details"), this)),
      copy_(iconButton(u"copy"_s, tr("Copy the message and its details"), this)),
      details_(new QPlainTextEdit(this)) {
    setObjectName(u"errorBanner"_s);
    QToolButton* close = iconButton(u"close"_s, tr("Dismiss"), this);
    sentence_->setWordWrap(true);
    sentence_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    sentence_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    picture_->setFixedWidth(20);
    details_->setReadOnly(true);
    details_->setFont(Theme::current().numberFont());
    details_->setFixedHeight(120);
    details_->hide();

    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(picture_, 0, Qt::AlignVCenter);
    line->addWidget(sentence_, 1);
    line->addWidget(action_, 0, Qt::AlignVCenter);
    line->addWidget(fold_, 0, Qt::AlignVCenter);
    line->addWidget(copy_, 0, Qt::AlignVCenter);
    line->addWidget(close, 0, Qt::AlignVCenter);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceMedium, kSpaceSmall, kSpaceSmall, kSpaceSmall);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(line);
    layout->addWidget(details_);
    // As high as the wrapped sentence needs, which a maximum by the size hint would cut.
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Preferred);

    connect(close, &QToolButton::clicked, this, &ErrorBanner::clear);
    connect(copy_, &QToolButton::clicked, this, &ErrorBanner::copyAll);
    connect(fold_, &QToolButton::clicked, this, [this] { setDetailsShown(details_->isHidden()); });
    connect(action_, &QPushButton::clicked, this, [this] {
        const auto run = std::exchange(run_, nullptr);
        clear();
        if (run) {
            run();
        }
    });
    hide();
}

void ErrorBanner::showFailure(const Failure& failure, const QString& details) {
    showFailure(failure, details, Action{});
}

void ErrorBanner::showFailure(const Failure& failure, const QString& details, Action action) {
    sentence_->setText(failure.sentence);
    QString text = details;
    if (!failure.code.isEmpty()) {
        text = tr("Error code: %1").arg(failure.code) + (text.isEmpty() ? text : u'\n' + text);
    }
    details_->setPlainText(text);
    fold_->setVisible(!text.isEmpty());
    setDetailsShown(false);
    action_->setText(action.text);
    action_->setVisible(!action.text.isEmpty());
    run_ = std::move(action.run);
    picture_->setPixmap(
        iconPixmap(u"error"_s, Theme::current().color(Token::Bad), 20, devicePixelRatioF()));
    show();
}

void ErrorBanner::setSentence(const QString& sentence) {
    sentence_->setText(sentence);
}

void ErrorBanner::clear() {
    run_ = nullptr;
    hide();
}

QString ErrorBanner::sentence() const {
    return sentence_->text();
}

void ErrorBanner::setDetailsShown(bool shown) {
    details_->setVisible(shown);
    fold_->setIcon(icon(shown ? u"chevron-up"_s : u"chevron-down"_s));
    const QString text = shown ? tr("Hide details") : tr("Show details");
    fold_->setToolTip(text);
    fold_->setAccessibleName(text);
}

void ErrorBanner::copyAll() const {
    QGuiApplication::clipboard()->setText(sentence_->text() + u'\n' + details_->toPlainText());
}

void ErrorBanner::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.fillRect(rect(), mix(theme.color(Token::Panel), theme.color(Token::Bad), 0.10));
    painter.fillRect(QRect(0, 0, 3, height()), theme.color(Token::Bad));
    painter.fillRect(QRect(0, height() - 1, width(), 1), theme.color(Token::Line));
}

} // namespace caldera::studio
