#include "widgets/support/empty_state.h"

#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {
constexpr int kPictureSize = 40;
constexpr int kTextWidth = 380;
} // namespace

EmptyState::EmptyState(const QString& iconName, const QString& title, const QString& sentence,
                       QWidget* parent)
    : QWidget(parent), iconName_(iconName), picture_(new QLabel(this)),
      title_(new ToneLabel(title, Token::Text, this)),
      sentence_(new ToneLabel(sentence, Token::Secondary, this)), button_(new QPushButton(this)) {
    title_->setFont(Theme::current().textFont(2, QFont::DemiBold));
    title_->setAlignment(Qt::AlignCenter);
    sentence_->setAlignment(Qt::AlignHCenter | Qt::AlignTop);
    sentence_->setWordWrap(true);
    sentence_->setMaximumWidth(kTextWidth);
    picture_->setAlignment(Qt::AlignCenter);
    button_->hide();

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceHuge, kSpaceHuge, kSpaceHuge);
    layout->setSpacing(0);
    layout->addStretch(2);
    layout->addWidget(picture_, 0, Qt::AlignHCenter);
    layout->addSpacing(kSpaceLarge);
    layout->addWidget(title_, 0, Qt::AlignHCenter);
    layout->addSpacing(kSpaceSmall);
    // Centred by stretches: an alignment would give the label the height of its size hint, which is
    // less than its wrapped text needs.
    auto* centred = new QHBoxLayout;
    centred->addStretch(1);
    centred->addWidget(sentence_, 1000);
    centred->addStretch(1);
    layout->addLayout(centred);
    layout->addSpacing(kSpaceLarge);
    layout->addWidget(button_, 0, Qt::AlignHCenter);
    layout->addStretch(3);

    connect(button_, &QPushButton::clicked, this, &EmptyState::triggered);
    connect(&Theme::current(), &Theme::themeChanged, this, &EmptyState::updatePicture);
    updatePicture();
}

void EmptyState::setText(const QString& title, const QString& sentence) {
    title_->setText(title);
    sentence_->setText(sentence);
}

void EmptyState::setActionText(const QString& text) {
    button_->setText(text);
    button_->setVisible(!text.isEmpty());
}

void EmptyState::updatePicture() {
    picture_->setPixmap(iconPixmap(iconName_, Theme::current().color(Token::Disabled), kPictureSize,
                                   devicePixelRatioF()));
}

} // namespace caldera::studio
