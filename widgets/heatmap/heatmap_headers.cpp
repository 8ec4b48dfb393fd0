#include "widgets/heatmap/heatmap_headers.h"

#include <QPainter>

#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {
constexpr int kTickHeight = 24;
}

HeatmapHeader::HeatmapHeader(Qt::Orientation orientation, QWidget* parent)
    : QHeaderView(orientation, parent) {
    setSectionsClickable(false);
    setHighlightSections(false);
    setSectionResizeMode(QHeaderView::Fixed);
    setMinimumSectionSize(1);
    setFont(Theme::current().numberFont(-1));
    if (orientation == Qt::Horizontal) {
        setFixedHeight(kTickHeight);
    }
}

void HeatmapHeader::setMarked(int section) {
    if (marked_ != section) {
        marked_ = section;
        viewport()->update();
    }
}

// Not the style's header: that paints a panel which goes on below the last module.
void HeatmapHeader::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), Theme::current().color(Token::Window));
    const bool vertical = orientation() == Qt::Vertical;
    for (int section = 0; section < count(); ++section) {
        const int at = sectionViewportPosition(section);
        const int size = sectionSize(section);
        paintSection(&painter,
                     vertical ? QRect(0, at, viewport()->width(), size)
                              : QRect(at, 0, size, viewport()->height()),
                     section);
    }
}

int HeatmapHeader::tickStep() const {
    const int width = count() > 0 ? sectionSize(0) : 1;
    const int needed = fontMetrics().horizontalAdvance(QString::number(count())) + kSpaceSmall;
    for (const int step : {1, 2, 5, 10, 20, 50}) {
        if (step * width >= needed) {
            return step;
        }
    }
    return 100;
}

void HeatmapHeader::paintSection(QPainter* painter, const QRect& area, int section) const {
    const Theme& theme = Theme::current();
    const bool marked = section == marked_;
    const QString text = model()->headerData(section, orientation()).toString();
    painter->save();
    painter->setFont(font());
    painter->setPen(theme.color(marked ? Token::Text : Token::Secondary));
    if (orientation() == Qt::Vertical) {
        painter->drawText(area.adjusted(0, 0, -kSpaceSmall, 0), Qt::AlignVCenter | Qt::AlignRight,
                          text);
    } else {
        const int step = tickStep();
        const bool nearMark = marked_ >= 0 && !marked && qAbs(section - marked_) < step;
        if (marked || (section % step == 0 && !nearMark)) {
            // A number may be wider than its column.
            QRect wide(0, area.top(), fontMetrics().horizontalAdvance(text) + 4, area.height() - 4);
            wide.moveCenter(QPoint(area.center().x(), wide.center().y()));
            painter->setClipping(false);
            painter->drawText(wide, Qt::AlignHCenter | Qt::AlignBottom, text);
        }
    }
    painter->restore();
}

QSize HeatmapHeader::sectionSizeFromContents(int section) const {
    const QString text =
        model() == nullptr ? QString() : model()->headerData(section, orientation()).toString();
    return {fontMetrics().horizontalAdvance(text) + kSpaceLarge, kTickHeight};
}

} // namespace caldera::studio
