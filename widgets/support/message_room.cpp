#include "widgets/support/message_room.h"

#include <QVBoxLayout>

#include <algorithm>

namespace caldera::studio {

MessageRoom::MessageRoom(QWidget* content, int leastHeight, QWidget* parent)
    : QWidget(parent), content_(content), leastHeight_(leastHeight) {
    content_->setMinimumHeight(1); // instead of what it would like to have
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(content_, 1);
}

void MessageRoom::addMessage(QWidget* message) {
    auto* column = static_cast<QVBoxLayout*>(layout());
    if (message->parentWidget() != this) {
        column->insertWidget(column->indexOf(content_), message);
    }
}

QSize MessageRoom::minimumSizeHint() const {
    const int width = layout()->minimumSize().width();
    const int needed = layout()->hasHeightForWidth()
                           ? layout()->minimumHeightForWidth(std::max(width, this->width()))
                           : layout()->minimumSize().height();
    return {width, std::max(leastHeight_, needed)};
}

} // namespace caldera::studio
