#include "widgets/support/notice_bar.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>

#include <utility>

#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

NoticeBar::NoticeBar(QWidget* parent)
    : QWidget(parent), picture_(new QLabel(this)),
      sentence_(new ToneLabel(QString(), Token::Text, this)), action_(new QPushButton(this)) {
    setObjectName(u"noticeBar"_s);
    QToolButton* close = iconButton(u"close"_s, tr("Dismiss"), this);
    sentence_->setWordWrap(true);
    picture_->setFixedWidth(20);

    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(kSpaceMedium, kSpaceTiny, kSpaceSmall, kSpaceTiny);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(picture_);
    layout->addWidget(sentence_, 1);
    layout->addWidget(action_);
    layout->addWidget(close);
    // As high as the wrapped sentence needs, which a maximum by the size hint would cut.
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Preferred);

    connect(close, &QToolButton::clicked, this, [this] {
        clear();
        Q_EMIT dismissed();
    });
    connect(action_, &QPushButton::clicked, this, [this] {
        const auto run = run_;
        if (run) {
            run();
        }
    });
    connect(&Theme::current(), &Theme::themeChanged, this, &NoticeBar::updatePicture);
    hide();
}

void NoticeBar::showNotice(const QString& iconName, const QString& sentence,
                           const QString& actionText, std::function<void()> action) {
    iconName_ = iconName;
    sentence_->setText(sentence);
    action_->setText(actionText);
    action_->setVisible(!actionText.isEmpty());
    run_ = std::move(action);
    updatePicture();
    show();
}

void NoticeBar::clear() {
    run_ = nullptr;
    hide();
}

QString NoticeBar::sentence() const {
    return sentence_->text();
}

void NoticeBar::updatePicture() {
    if (!iconName_.isEmpty()) {
        picture_->setPixmap(
            iconPixmap(iconName_, Theme::current().color(Token::Accent), 20, devicePixelRatioF()));
    }
}

void NoticeBar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.fillRect(rect(), mix(theme.color(Token::Panel), theme.color(Token::Accent), 0.08));
    painter.fillRect(QRect(0, height() - 1, width(), 1), theme.color(Token::Line));
}

} // namespace caldera::studio
