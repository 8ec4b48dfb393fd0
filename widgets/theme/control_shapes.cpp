#include "widgets/theme/control_shapes.h"

#include <QPainter>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"

namespace caldera::studio {

namespace {

/// A line darker than a separator, for the edges of controls.
QColor controlEdge() {
    return mix(tone(Token::Line), tone(Token::Secondary), 0.28);
}

void drawBox(QPainter* painter, const QRect& area, const QColor& fill, const QColor& edge) {
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(edge.alpha() == 0 ? QPen(Qt::NoPen) : QPen(edge, 1));
    painter->setBrush(fill);
    painter->drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
    painter->restore();
}

void drawOutline(const QStyleOption* option, const QColor& color, QPainter* painter) {
    painter->save();
    painter->setPen(color);
    painter->drawRect(option->rect.adjusted(0, 0, -1, -1));
    painter->restore();
}

} // namespace

QColor tone(Token token) {
    return Theme::current().color(token);
}

bool has(const QStyleOption* option, QStyle::StateFlag flag) {
    return option->state.testFlag(flag);
}

void drawCommandButton(const QStyleOption* option, QPainter* painter) {
    const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option);
    const bool flat = button != nullptr && button->features.testFlag(QStyleOptionButton::Flat);
    const bool primary =
        button != nullptr && button->features.testFlag(QStyleOptionButton::DefaultButton);
    const bool enabled = has(option, QStyle::State_Enabled);
    const bool pressed = has(option, QStyle::State_Sunken) || has(option, QStyle::State_On);
    const bool hovered = enabled && has(option, QStyle::State_MouseOver);
    if (primary && enabled) {
        const QColor accent = tone(Token::Accent);
        const QColor fill = pressed   ? mix(accent, tone(Token::Window), 0.2)
                            : hovered ? mix(accent, tone(Token::Text), 0.12)
                                      : accent;
        drawBox(painter, option->rect, fill, fill);
    } else if (!flat || hovered || pressed) {
        const QColor base = flat ? tone(Token::Panel) : tone(Token::Raised);
        const double strength = pressed ? 0.16 : hovered ? 0.07 : 0.0;
        drawBox(painter, option->rect, mix(base, tone(Token::Text), strength),
                flat      ? QColor(Qt::transparent)
                : enabled ? controlEdge()
                          : tone(Token::Line));
    }
}

void drawToolButtonPanel(const QStyleOption* option, QPainter* painter) {
    const bool on = has(option, QStyle::State_On);
    const bool pressed = has(option, QStyle::State_Sunken);
    const bool hovered = has(option, QStyle::State_MouseOver) && has(option, QStyle::State_Enabled);
    if (!on && !pressed && !hovered) {
        return;
    }
    QColor fill = tone(on ? Token::Accent : Token::Text);
    fill.setAlphaF(on ? 0.16F : pressed ? 0.14F : 0.08F);
    drawBox(painter, option->rect, fill, Qt::transparent);
}

void drawFieldFrame(const QStyleOption* option, QPainter* painter, const QColor& fill) {
    const bool focused = has(option, QStyle::State_HasFocus);
    const bool enabled = has(option, QStyle::State_Enabled);
    drawBox(painter, option->rect, fill,
            focused   ? tone(Token::Accent)
            : enabled ? controlEdge()
                      : tone(Token::Line));
}

void drawCheck(const QStyleOption* option, QPainter* painter, bool round) {
    const bool on = has(option, QStyle::State_On);
    const bool partly = has(option, QStyle::State_NoChange);
    const bool enabled = has(option, QStyle::State_Enabled);
    const QColor fill =
        on || partly ? tone(enabled ? Token::Accent : Token::Disabled) : tone(Token::Panel);
    const QRect box(option->rect.x() + (option->rect.width() - 16) / 2,
                    option->rect.y() + (option->rect.height() - 16) / 2, 16, 16);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(on || partly ? fill : controlEdge());
    painter->setBrush(fill);
    const QRectF edge = QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5);
    painter->drawRoundedRect(edge, round ? 8 : 3, round ? 8 : 3);
    painter->setPen(QPen(tone(Token::OnAccent), 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    const QPointF corner = box.topLeft();
    if (on && round) {
        painter->setBrush(tone(Token::OnAccent));
        painter->drawEllipse(corner + QPointF(8, 8), 2.2, 2.2);
    } else if (partly) {
        painter->drawLine(corner + QPointF(4.5, 8), corner + QPointF(11.5, 8));
    } else if (on) {
        painter->drawPolyline(QPolygonF(
            {corner + QPointF(4, 8.3), corner + QPointF(7, 11.2), corner + QPointF(12.2, 5.2)}));
    }
    painter->restore();
}

void drawArrow(const QString& name, const QRect& area, bool enabled, QPainter* painter) {
    constexpr int kSide = 14;
    const QPixmap picture = iconPixmap(name, tone(enabled ? Token::Secondary : Token::Disabled),
                                       kSide, painter->device()->devicePixelRatio());
    painter->drawPixmap(area.x() + (area.width() - kSide) / 2,
                        area.y() + (area.height() - kSide) / 2, picture);
}

void drawFrame(const QStyleOption* option, QPainter* painter) {
    drawOutline(option, tone(Token::Line), painter);
}

void drawFocusRing(const QStyleOption* option, QPainter* painter) {
    QColor ring = tone(Token::Accent);
    ring.setAlphaF(0.7F);
    drawBox(painter, option->rect, Qt::transparent, ring);
}

void drawTip(const QStyleOption* option, QPainter* painter) {
    painter->fillRect(option->rect, tone(Token::Raised));
    drawOutline(option, controlEdge(), painter);
}

void drawItemPanel(const QStyleOptionViewItem& item, QPainter* painter) {
    if (item.backgroundBrush.style() != Qt::NoBrush) {
        painter->fillRect(item.rect, item.backgroundBrush);
    }
    const bool selected = has(&item, QStyle::State_Selected);
    QColor fill = tone(selected ? Token::Accent : Token::Text);
    fill.setAlphaF(selected ? 0.18F : has(&item, QStyle::State_MouseOver) ? 0.05F : 0.0F);
    painter->fillRect(item.rect, fill);
}

void drawTabShape(const QStyleOptionTab& tab, QPainter* painter) {
    if (tab.state.testFlag(QStyle::State_Selected)) {
        painter->fillRect(QRect(tab.rect.left() + kSpaceSmall, tab.rect.bottom() - 1,
                                tab.rect.width() - 2 * kSpaceSmall, 2),
                          tone(Token::Accent));
    } else if (tab.state.testFlag(QStyle::State_MouseOver)) {
        painter->fillRect(QRect(tab.rect.left() + kSpaceSmall, tab.rect.bottom() - 1,
                                tab.rect.width() - 2 * kSpaceSmall, 2),
                          tone(Token::Line));
    }
}

void drawProgress(const QStyleOptionProgressBar& bar, QPainter* painter) {
    const int height = qMin(6, bar.rect.height());
    const QRect groove(bar.rect.x(), bar.rect.y() + (bar.rect.height() - height) / 2,
                       bar.rect.width(), height);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(Qt::NoPen);
    painter->setBrush(mix(tone(Token::Line), tone(Token::Secondary), 0.1));
    painter->drawRoundedRect(groove, height / 2.0, height / 2.0);
    const bool busy = bar.maximum <= bar.minimum;
    const double share =
        busy ? 1.0 : static_cast<double>(bar.progress - bar.minimum) / (bar.maximum - bar.minimum);
    QColor fill = tone(Token::Accent);
    fill.setAlphaF(busy ? 0.4F : 1.0F);
    painter->setBrush(fill);
    QRectF done(groove);
    done.setWidth(groove.width() * qBound(0.0, share, 1.0));
    if (done.width() >= 1) {
        painter->drawRoundedRect(done, height / 2.0, height / 2.0);
    }
    painter->restore();
}

void drawHeader(const QStyleOption* option, QPainter* painter) {
    const QRect& area = option->rect;
    painter->fillRect(area, tone(Token::Panel));
    painter->fillRect(QRect(area.left(), area.bottom(), area.width(), 1), tone(Token::Line));
}

void drawSplitter(const QStyleOption* option, QPainter* painter) {
    const QRect& area = option->rect;
    painter->fillRect(has(option, QStyle::State_Horizontal)
                          ? QRect(area.center().x(), area.top(), 1, area.height())
                          : QRect(area.left(), area.center().y(), area.width(), 1),
                      tone(Token::Line));
}

void drawDockTitle(const QStyleOptionDockWidget& dock, QPainter* painter) {
    painter->save();
    painter->setFont(Theme::current().textFont(0, QFont::DemiBold));
    painter->setPen(tone(Token::Text));
    const QRect text = dock.rect.adjusted(kSpaceLarge, 0, -kSpaceHuge * 2, 0);
    painter->drawText(text, Qt::AlignVCenter | Qt::AlignLeft,
                      painter->fontMetrics().elidedText(dock.title, Qt::ElideRight, text.width()));
    painter->restore();
}

void drawMenuBarItem(const QStyleOption* option, QPainter* painter) {
    painter->fillRect(option->rect, tone(Token::Window));
    if (has(option, QStyle::State_Selected) || has(option, QStyle::State_Sunken)) {
        QColor fill = tone(Token::Text);
        fill.setAlphaF(0.1F);
        drawBox(painter, option->rect.adjusted(1, 2, -1, -2), fill, Qt::transparent);
    }
}

void drawScrollBar(const QStyleOptionSlider& bar, QPainter* painter, const QRect& handle) {
    if (bar.maximum <= bar.minimum) {
        return;
    }
    const bool active =
        bar.state.testFlag(QStyle::State_MouseOver) || bar.state.testFlag(QStyle::State_Sunken);
    QColor fill = tone(Token::Secondary);
    fill.setAlphaF(active ? 0.75F : 0.4F);
    const QRectF pill = QRectF(handle).adjusted(2.5, 2.5, -2.5, -2.5);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(Qt::NoPen);
    painter->setBrush(fill);
    const double radius = qMin(pill.width(), pill.height()) / 2;
    painter->drawRoundedRect(pill, radius, radius);
    painter->restore();
}

} // namespace caldera::studio
