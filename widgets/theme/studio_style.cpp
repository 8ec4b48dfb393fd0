#include "widgets/theme/studio_style.h"

#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QPainter>
#include <QPushButton>
#include <QStyleFactory>
#include <QTabBar>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/control_shapes.h"
#include "widgets/theme/icons.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

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
        drawFrame(option, painter);
        return;
    case PE_FrameFocusRect:
        // The current row of a list is already marked.
        if (qobject_cast<const QAbstractItemView*>(widget) == nullptr) {
            drawFocusRing(option, painter);
        }
        return;
    case PE_PanelTipLabel:
        drawTip(option, painter);
        return;
    case PE_PanelItemViewItem:
        if (const auto* item = qstyleoption_cast<const QStyleOptionViewItem*>(option)) {
            drawItemPanel(*item, painter);
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
        drawHeader(option, painter);
        return;
    case CE_HeaderEmptyArea:
        drawHeader(option, painter);
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
        drawSplitter(option, painter);
        return;
    case CE_DockWidgetTitle:
        if (const auto* dock = qstyleoption_cast<const QStyleOptionDockWidget*>(option)) {
            drawDockTitle(*dock, painter);
            return;
        }
        break;
    case CE_MenuBarEmptyArea:
        painter->fillRect(option->rect, tone(Token::Window));
        return;
    case CE_MenuBarItem:
        if (const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option)) {
            drawMenuBarItem(item, painter);
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

void StudioStyle::polish(QWidget* widget) {
    QProxyStyle::polish(widget);
    if (qobject_cast<QTabBar*>(widget) != nullptr) {
        widget->setAttribute(Qt::WA_Hover);
        static_cast<QTabBar*>(widget)->setDrawBase(false);
        static_cast<QTabBar*>(widget)->setExpanding(false);
    }
}

} // namespace caldera::studio
