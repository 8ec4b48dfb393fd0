#include "app/studio/mode_bar.h"

#include <QAction>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {
constexpr int kWidth = 72;
constexpr int kButtonHeight = 56;
constexpr int kIconSize = 20;
} // namespace

ModeBar::ModeBar(const QList<QAction*>& modes, QWidget* parent) : QWidget(parent) {
    setFixedWidth(kWidth);
    setAccessibleName(tr("Modes"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceTiny, kSpaceSmall, kSpaceTiny, kSpaceSmall);
    layout->setSpacing(kSpaceTiny);
    for (QAction* mode : modes) {
        auto* button = new QToolButton(this);
        button->setDefaultAction(mode);
        button->setToolButtonStyle(Qt::ToolButtonTextUnderIcon);
        button->setIconSize(QSize(kIconSize, kIconSize));
        button->setFixedSize(kWidth - 2 * kSpaceTiny, kButtonHeight);
        button->setAutoRaise(true);
        button->setFont(Theme::current().textFont(-1));
        layout->addWidget(button);
    }
    layout->addStretch();
}

void ModeBar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.fillRect(rect(), theme.color(Token::Window));
    painter.fillRect(QRect(width() - 1, 0, 1, height()), theme.color(Token::Line));
}

} // namespace caldera::studio
