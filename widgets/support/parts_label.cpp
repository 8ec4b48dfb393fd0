#include "widgets/support/parts_label.h"

#include <QPainter>

#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void PartsLabel::setParts(const QString& caption, const QStringList& parts) {
    if (caption_ != caption || parts_ != parts) {
        caption_ = caption;
        parts_ = parts;
        setToolTip(text());
        setAccessibleName(text());
        updateGeometry();
        update();
    }
}

QString PartsLabel::textOf(qsizetype count) const {
    return count == 0 ? QString() : caption_ + u' ' + parts_.first(count).join(u" \u00b7 "_s);
}

QSize PartsLabel::sizeHint() const {
    return {fontMetrics().horizontalAdvance(text()) + 2, fontMetrics().height() + 2};
}

void PartsLabel::paintEvent(QPaintEvent*) {
    qsizetype fitting = parts_.size();
    while (fitting > 0 && fontMetrics().horizontalAdvance(textOf(fitting)) > width()) {
        --fitting;
    }
    QPainter painter(this);
    painter.setPen(Theme::current().color(Token::Secondary));
    painter.drawText(rect(), Qt::AlignVCenter | Qt::AlignRight, textOf(fitting));
}

} // namespace caldera::studio
