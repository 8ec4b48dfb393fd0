#include "widgets/theme/studio_style.h"

#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QPainter>
#include <QPushButton>
#include <QStyleFactory>
#include <QStyleOption>
#include <QTabBar>
#include <QToolButton>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kScrollBarWidth = 10;
constexpr int kTabHeight = 32;
constexpr int kHeaderInset = 4;

QColor tone(Token token) {
    return Theme::current().color(token);
}

bool has(const QStyleOption* option, QStyle::StateFlag flag) {
    return option->state.testFlag(flag);
}

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

} // namespace

StudioStyle::StudioStyle() : QProxyStyle(QStyleFactory::create(u"fusion"_s)) {
    setObjectName(u"caldera"_s);
}

void StudioStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option,
                                QPainter* painter, const QWidget* widget) const {
    switch (element) {
    case PE_PanelButtonCommand:
        drawCommandButton(option, painter);
        return;
    case PE_PanelButtonTool:
        drawToolButtonPanel(option, painter);
        return;
    case PE_FrameDefaultButton:
    case PE_FrameTabWidget:
    case PE_FrameStatusBarItem:
    case PE_PanelStatusBar:
    case PE_FrameDockWidget:
        return;
    case PE_PanelLineEdit:
        if (qobject_cast<const QAbstractSpinBox*>(widget == nullptr ? nullptr
                                                                    : widget->parentWidget()) ||
            qobject_cast<const QComboBox*>(widget == nullptr ? nullptr : widget->parentWidget())) {
            return; // the field around it is already drawn
        }
        if (const auto* frame = qstyleoption_cast<const QStyleOptionFrame*>(option);
            frame != nullptr && frame->lineWidth == 0) {
            painter->fillRect(option->rect, option->palette.brush(QPalette::Base));
            return;
        }
        drawFieldFrame(option, painter, tone(Token::Panel));
        return;
    case PE_FrameLineEdit:
        return;
    case PE_IndicatorCheckBox:
    case PE_IndicatorItemViewItemCheck:
        drawCheck(option, painter, false);
        return;
    case PE_IndicatorRadioButton:
        drawCheck(option, painter, true);
        return;
    case PE_IndicatorArrowDown:
    case PE_IndicatorArrowUp:
    case PE_IndicatorArrowLeft:
    case PE_IndicatorArrowRight: {
        const QString name = element == PE_IndicatorArrowDown   ? u"chevron-down"_s
                             : element == PE_IndicatorArrowUp   ? u"chevron-up"_s
                             : element == PE_IndicatorArrowLeft ? u"chevron-left"_s
                                                                : u"chevron-right"_s;
        drawArrow(name, option->rect, has(option, State_Enabled), painter);
        return;
    }
    case PE_Frame:
    case PE_FrameGroupBox:
        painter->save();
        painter->setPen(tone(Token::Line));
        painter->drawRect(option->rect.adjusted(0, 0, -1, -1));
        painter->restore();
        return;
    case PE_FrameFocusRect: {
        if (qobject_cast<const QAbstractItemView*>(widget) != nullptr) {
            return; // the current row is already marked
        }
        QColor ring = tone(Token::Accent);
        ring.setAlphaF(0.7F);
        drawBox(painter, option->rect, Qt::transparent, ring);
        return;
    }
    case PE_PanelTipLabel:
        painter->fillRect(option->rect, tone(Token::Raised));
        painter->save();
        painter->setPen(controlEdge());
        painter->drawRect(option->rect.adjusted(0, 0, -1, -1));
        painter->restore();
        return;
    case PE_PanelItemViewItem:
        if (const auto* item = qstyleoption_cast<const QStyleOptionViewItem*>(option)) {
            if (item->backgroundBrush.style() != Qt::NoBrush) {
                painter->fillRect(item->rect, item->backgroundBrush);
            }
            QColor fill = tone(has(option, State_Selected) ? Token::Accent : Token::Text);
            fill.setAlphaF(has(option, State_Selected)    ? 0.18F
                           : has(option, State_MouseOver) ? 0.05F
                                                          : 0.0F);
            painter->fillRect(item->rect, fill);
        }
        return;
    case PE_PanelItemViewRow:
        return;
    default:
        QProxyStyle::drawPrimitive(element, option, painter, widget);
    }
}

void StudioStyle::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                              const QWidget* widget) const {
    switch (element) {
    case CE_PushButtonLabel:
        if (const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option)) {
            QStyleOptionButton copy(*button);
            if (copy.features.testFlag(QStyleOptionButton::DefaultButton) &&
                has(option, State_Enabled)) {
                copy.palette.setColor(QPalette::ButtonText, tone(Token::OnAccent));
            }
            // Sunken text would move under the cursor.
            copy.state.setFlag(State_Sunken, false);
            QProxyStyle::drawControl(element, &copy, painter, widget);
            return;
        }
        break;
    case CE_TabBarTabShape:
        if (const auto* tab = qstyleoption_cast<const QStyleOptionTab*>(option)) {
            drawTabShape(*tab, painter);
            return;
        }
        break;
    case CE_TabBarTabLabel:
        if (const auto* tab = qstyleoption_cast<const QStyleOptionTab*>(option)) {
            QStyleOptionTab copy(*tab);
            if (!has(option, State_Selected)) {
                copy.palette.setColor(QPalette::WindowText, tone(Token::Secondary));
            }
            copy.state.setFlag(State_HasFocus, false);
            QProxyStyle::drawControl(element, &copy, painter, widget);
            return;
        }
        break;
    case CE_ProgressBar:
        if (const auto* bar = qstyleoption_cast<const QStyleOptionProgressBar*>(option)) {
            drawProgress(*bar, painter);
            return;
        }
        break;
    case CE_HeaderSection:
        if (qobject_cast<const QAbstractButton*>(widget) != nullptr) {
            return; // the corner of a table with two headers is no header
        }
        painter->fillRect(option->rect, tone(Token::Panel));
        painter->fillRect(
            QRect(option->rect.left(), option->rect.bottom(), option->rect.width(), 1),
            tone(Token::Line));
        return;
    case CE_HeaderEmptyArea:
        painter->fillRect(option->rect, tone(Token::Panel));
        painter->fillRect(
            QRect(option->rect.left(), option->rect.bottom(), option->rect.width(), 1),
            tone(Token::Line));
        return;
    case CE_HeaderLabel:
        if (const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(option)) {
            QStyleOptionHeader copy(*header);
            copy.palette.setColor(QPalette::ButtonText, tone(Token::Secondary));
            copy.state.setFlag(State_On, false);
            copy.rect.adjust(kHeaderInset, 0, -kHeaderInset, 0); // in line with the cells' texts
            QProxyStyle::drawControl(element, &copy, painter, widget);
            return;
        }
        break;
    case CE_ItemViewItem:
        if (const auto* item = qstyleoption_cast<const QStyleOptionViewItem*>(option)) {
            QStyleOptionViewItem copy(*item);
            // The selection is a tint, so its text keeps the text colour.
            copy.palette.setColor(QPalette::HighlightedText, copy.palette.color(QPalette::Text));
            QProxyStyle::drawControl(element, &copy, painter, widget);
            return;
        }
        break;
    case CE_Splitter:
        if (has(option, State_Horizontal)) {
            painter->fillRect(
                QRect(option->rect.center().x(), option->rect.top(), 1, option->rect.height()),
                tone(Token::Line));
        } else {
            painter->fillRect(
                QRect(option->rect.left(), option->rect.center().y(), option->rect.width(), 1),
                tone(Token::Line));
        }
        return;
    case CE_DockWidgetTitle:
        if (const auto* dock = qstyleoption_cast<const QStyleOptionDockWidget*>(option)) {
            painter->save();
            painter->setFont(Theme::current().textFont(0, QFont::DemiBold));
            painter->setPen(tone(Token::Text));
            const QRect text = dock->rect.adjusted(kSpaceLarge, 0, -kSpaceHuge * 2, 0);
            painter->drawText(
                text, Qt::AlignVCenter | Qt::AlignLeft,
                painter->fontMetrics().elidedText(dock->title, Qt::ElideRight, text.width()));
            painter->restore();
            return;
        }
        break;
    case CE_MenuBarEmptyArea:
        painter->fillRect(option->rect, tone(Token::Window));
        return;
    case CE_MenuBarItem:
        if (const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option)) {
            painter->fillRect(item->rect, tone(Token::Window));
            if (has(option, State_Selected) || has(option, State_Sunken)) {
                QColor fill = tone(Token::Text);
                fill.setAlphaF(0.1F);
                drawBox(painter, item->rect.adjusted(1, 2, -1, -2), fill, Qt::transparent);
            }
            const int flags =
                Qt::AlignCenter | Qt::TextSingleLine |
                (proxy()->styleHint(SH_UnderlineShortcut, option, widget, nullptr) != 0
                     ? Qt::TextShowMnemonic
                     : Qt::TextHideMnemonic);
            drawItemText(painter, item->rect, flags, item->palette, has(option, State_Enabled),
                         item->text, QPalette::WindowText);
            return;
        }
        break;
    default:
        break;
    }
    QProxyStyle::drawControl(element, option, painter, widget);
}

void StudioStyle::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option,
                                     QPainter* painter, const QWidget* widget) const {
    if (control == CC_ScrollBar) {
        if (const auto* bar = qstyleoption_cast<const QStyleOptionSlider*>(option)) {
            drawScrollBar(*bar, painter,
                          subControlRect(CC_ScrollBar, option, SC_ScrollBarSlider, widget));
            return;
        }
    }
    if (control == CC_SpinBox) {
        const bool enabled = has(option, State_Enabled);
        drawFieldFrame(option, painter, tone(Token::Panel));
        drawArrow(u"chevron-up"_s, subControlRect(control, option, SC_SpinBoxUp, widget), enabled,
                  painter);
        drawArrow(u"chevron-down"_s, subControlRect(control, option, SC_SpinBoxDown, widget),
                  enabled, painter);
        return;
    }
    if (control == CC_ComboBox) {
        const bool hovered = has(option, State_MouseOver) && has(option, State_Enabled);
        drawFieldFrame(option, painter,
                       mix(tone(Token::Raised), tone(Token::Text), hovered ? 0.07 : 0.0));
        drawArrow(u"chevron-down"_s, subControlRect(control, option, SC_ComboBoxArrow, widget),
                  has(option, State_Enabled), painter);
        return;
    }
    QProxyStyle::drawComplexControl(control, option, painter, widget);
}

QRect StudioStyle::subElementRect(SubElement element, const QStyleOption* option,
                                  const QWidget* widget) const {
    const QRect area = QProxyStyle::subElementRect(element, option, widget);
    const bool dockButton =
        element == SE_DockWidgetCloseButton || element == SE_DockWidgetFloatButton;
    return dockButton ? area.translated(-kSpaceSmall, 0) : area;
}

QIcon StudioStyle::standardIcon(StandardPixmap name, const QStyleOption* option,
                                const QWidget* widget) const {
    switch (name) {
    case SP_TitleBarCloseButton:
    case SP_DockWidgetCloseButton:
        return icon(u"close"_s);
    case SP_TitleBarNormalButton:
        return icon(u"float"_s);
    default:
        return QProxyStyle::standardIcon(name, option, widget);
    }
}

int StudioStyle::pixelMetric(PixelMetric metric, const QStyleOption* option,
                             const QWidget* widget) const {
    switch (metric) {
    case PM_FocusFrameHMargin: // beside the texts of lists and tables
        return kSpaceSmall - 1;
    case PM_ScrollBarExtent:
        return kScrollBarWidth;
    case PM_ScrollView_ScrollBarSpacing:
    case PM_ButtonShiftHorizontal:
    case PM_ButtonShiftVertical:
    case PM_TabBarTabShiftVertical:
    case PM_DockWidgetFrameWidth:
    case PM_TabBarBaseOverlap:
        return 0;
    case PM_SplitterWidth:
    case PM_DockWidgetSeparatorExtent:
        return 5;
    case PM_DockWidgetTitleMargin:
        return kSpaceSmall;
    case PM_DockWidgetTitleBarButtonMargin:
        return 2;
    case PM_LayoutHorizontalSpacing:
    case PM_LayoutVerticalSpacing:
        return kSpaceSmall;
    case PM_LayoutLeftMargin:
    case PM_LayoutRightMargin:
    case PM_LayoutTopMargin:
    case PM_LayoutBottomMargin:
        return kSpaceMedium;
    case PM_ButtonIconSize:
    case PM_SmallIconSize:
    case PM_TabBarIconSize:
        return 16;
    case PM_IndicatorWidth:
    case PM_IndicatorHeight:
    case PM_ExclusiveIndicatorWidth:
    case PM_ExclusiveIndicatorHeight:
        return 16;
    case PM_TabBarTabHSpace:
        return 2 * kSpaceMedium;
    default:
        return QProxyStyle::pixelMetric(metric, option, widget);
    }
}

int StudioStyle::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                           QStyleHintReturn* data) const {
    switch (hint) {
    case SH_ScrollBar_LeftClickAbsolutePosition:
        return 1;
    case SH_TabBar_Alignment:
        return Qt::AlignLeft;
    case SH_ToolTip_WakeUpDelay:
        return 400;
    case SH_EtchDisabledText:
    case SH_DitherDisabledText:
    case SH_DialogButtonBox_ButtonsHaveIcons:
        return 0;
    case SH_ItemView_ShowDecorationSelected:
        return 1;
    default:
        return QProxyStyle::styleHint(hint, option, widget, data);
    }
}

QSize StudioStyle::sizeFromContents(ContentsType type, const QStyleOption* option,
                                    const QSize& size, const QWidget* widget) const {
    QSize result = QProxyStyle::sizeFromContents(type, option, size, widget);
    switch (type) {
    case CT_PushButton:
        result.setWidth(result.width() + kSpaceSmall);
        result.setHeight(kControlHeight);
        break;
    case CT_LineEdit:
    case CT_SpinBox:
        result.setHeight(kControlHeight);
        break;
    case CT_ComboBox:
        result.setHeight(kControlHeight);
        result.setWidth(result.width() + kSpaceSmall);
        break;
    case CT_TabBarTab:
        result.setHeight(kTabHeight);
        break;
    case CT_HeaderSection:
        result.setHeight(qMax(result.height(), kControlHeight));
        result.setWidth(result.width() + 2 * kHeaderInset);
        break;
    case CT_ItemViewItem:
        result.setHeight(qMax(result.height(), kControlHeight - 2));
        break;
    case CT_MenuItem:
        if (const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option);
            item != nullptr && item->menuItemType != QStyleOptionMenuItem::Separator) {
            result.setHeight(qMax(result.height(), kControlHeight - 2));
        }
        break;
    default:
        break;
    }
    return result;
}

QRect StudioStyle::subControlRect(ComplexControl control, const QStyleOptionComplex* option,
                                  SubControl subControl, const QWidget* widget) const {
    if (control == CC_ScrollBar) {
        // No arrow buttons: the groove is the whole bar.
        const auto* bar = qstyleoption_cast<const QStyleOptionSlider*>(option);
        if (bar == nullptr) {
            return QProxyStyle::subControlRect(control, option, subControl, widget);
        }
        const bool horizontal = bar->orientation == Qt::Horizontal;
        const int length = horizontal ? bar->rect.width() : bar->rect.height();
        const int range = bar->maximum - bar->minimum;
        int handle = length;
        if (range > 0) {
            handle = qBound(qMin(24, length),
                            static_cast<int>(static_cast<qint64>(bar->pageStep) * length /
                                             (range + bar->pageStep)),
                            length);
        }
        const int start = sliderPositionFromValue(bar->minimum, bar->maximum, bar->sliderPosition,
                                                  length - handle, bar->upsideDown);
        const auto along = [&](int from, int extent) {
            const QRect area = horizontal ? QRect(from, 0, extent, bar->rect.height())
                                          : QRect(0, from, bar->rect.width(), extent);
            return visualRect(bar->direction, bar->rect, area.translated(bar->rect.topLeft()));
        };
        switch (subControl) {
        case SC_ScrollBarSlider:
            return along(start, handle);
        case SC_ScrollBarGroove:
            return along(0, length);
        case SC_ScrollBarSubPage:
            return along(0, start);
        case SC_ScrollBarAddPage:
            return along(start + handle, length - start - handle);
        default:
            return {};
        }
    }
    if (control == CC_SpinBox) {
        constexpr int kButtons = 20;
        const QRect area = option->rect;
        const QRect buttons(area.right() - kButtons, area.top() + 3, kButtons, area.height() - 6);
        switch (subControl) {
        case SC_SpinBoxUp:
            return visualRect(option->direction, area,
                              QRect(buttons.left(), buttons.top(), kButtons, buttons.height() / 2));
        case SC_SpinBoxDown:
            return visualRect(
                option->direction, area,
                QRect(buttons.left(), buttons.center().y() + 1, kButtons, buttons.height() / 2));
        case SC_SpinBoxEditField:
            return visualRect(option->direction, area, area.adjusted(6, 2, -kButtons - 2, -2));
        default:
            return area;
        }
    }
    return QProxyStyle::subControlRect(control, option, subControl, widget);
}

void StudioStyle::polish(QWidget* widget) {
    QProxyStyle::polish(widget);
    if (qobject_cast<QTabBar*>(widget) != nullptr) {
        widget->setAttribute(Qt::WA_Hover);
        static_cast<QTabBar*>(widget)->setDrawBase(false);
        static_cast<QTabBar*>(widget)->setExpanding(false);
    }
}

} // namespace caldera::studio
