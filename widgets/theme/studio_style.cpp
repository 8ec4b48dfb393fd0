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

namespace {

/// Whether the field around a line of text draws its frame.
bool isInsideField(const QWidget* line) {
    const QWidget* field = line == nullptr ? nullptr : line->parentWidget();
    return qobject_cast<const QAbstractSpinBox*>(field) != nullptr ||
           qobject_cast<const QComboBox*>(field) != nullptr;
}

void drawLineEdit(const QStyleOption* option, QPainter* painter) {
    const auto* frame = qstyleoption_cast<const QStyleOptionFrame*>(option);
    if (frame != nullptr && frame->lineWidth == 0) {
        painter->fillRect(option->rect, option->palette.brush(QPalette::Base));
    } else {
        drawFieldFrame(option, painter, tone(Token::Panel));
    }
}

/// Draws check marks and arrows; false for anything else.
bool drawIndicator(QStyle::PrimitiveElement element, const QStyleOption* option,
                   QPainter* painter) {
    const auto arrow = [&](const QString& name) {
        drawArrow(name, option->rect, has(option, QStyle::State_Enabled), painter);
        return true;
    };
    switch (element) {
    case QStyle::PE_IndicatorCheckBox:
    case QStyle::PE_IndicatorItemViewItemCheck:
        drawCheck(option, painter, false);
        return true;
    case QStyle::PE_IndicatorRadioButton:
        drawCheck(option, painter, true);
        return true;
    case QStyle::PE_IndicatorArrowDown:
        return arrow(u"chevron-down"_s);
    case QStyle::PE_IndicatorArrowUp:
        return arrow(u"chevron-up"_s);
    case QStyle::PE_IndicatorArrowLeft:
        return arrow(u"chevron-left"_s);
    case QStyle::PE_IndicatorArrowRight:
        return arrow(u"chevron-right"_s);
    default:
        return false;
    }
}

/// How Fusion should draw the texts of a button, a tab and a header, and an item.
QStyleOptionButton recoloured(const QStyleOptionButton& button) {
    QStyleOptionButton copy(button);
    if (copy.features.testFlag(QStyleOptionButton::DefaultButton) &&
        has(&button, QStyle::State_Enabled)) {
        copy.palette.setColor(QPalette::ButtonText, tone(Token::OnAccent));
    }
    // Sunken text would move under the cursor.
    copy.state.setFlag(QStyle::State_Sunken, false);
    return copy;
}

QStyleOptionTab recoloured(const QStyleOptionTab& tab) {
    QStyleOptionTab copy(tab);
    if (!has(&tab, QStyle::State_Selected)) {
        copy.palette.setColor(QPalette::WindowText, tone(Token::Secondary));
    }
    copy.state.setFlag(QStyle::State_HasFocus, false);
    return copy;
}

QStyleOptionHeader recoloured(const QStyleOptionHeader& header) {
    QStyleOptionHeader copy(header);
    copy.palette.setColor(QPalette::ButtonText, tone(Token::Secondary));
    copy.state.setFlag(QStyle::State_On, false);
    copy.rect.adjust(kHeaderInset, 0, -kHeaderInset, 0); // in line with the cells' texts
    return copy;
}

/// How wide a combo box's text may be beside its picture, if it has one.
int textWidth(const QStyleOptionComboBox& combo, const QRect& field) {
    return field.width() - (combo.currentIcon.isNull() ? 0 : combo.iconSize.width() + kSpaceTiny) -
           kSpaceTiny;
}

QStyleOptionViewItem recoloured(const QStyleOptionViewItem& item) {
    QStyleOptionViewItem copy(item);
    // The selection is a tint, so its text keeps the text colour.
    copy.palette.setColor(QPalette::HighlightedText, copy.palette.color(QPalette::Text));
    return copy;
}

} // namespace

StudioStyle::StudioStyle() : QProxyStyle(QStyleFactory::create(u"fusion"_s)) {
    setObjectName(u"caldera"_s);
}

void StudioStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option,
                                QPainter* painter, const QWidget* widget) const {
    if (drawIndicator(element, option, painter)) {
        return;
    }
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
    case PE_FrameLineEdit:
    case PE_PanelItemViewRow:
        return;
    case PE_PanelLineEdit:
        if (!isInsideField(widget)) {
            drawLineEdit(option, painter);
        }
        return;
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
    default:
        QProxyStyle::drawPrimitive(element, option, painter, widget);
    }
}

void StudioStyle::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                              const QWidget* widget) const {
    if (drawRecoloured(element, option, painter, widget) ||
        drawShape(element, option, painter, widget)) {
        return;
    }
    QProxyStyle::drawControl(element, option, painter, widget);
}

bool StudioStyle::drawRecoloured(ControlElement element, const QStyleOption* option,
                                 QPainter* painter, const QWidget* widget) const {
    const auto draw = [&](const auto* given) {
        if (given != nullptr) {
            const auto copy = recoloured(*given);
            QProxyStyle::drawControl(element, &copy, painter, widget);
        }
        return given != nullptr;
    };
    switch (element) {
    case CE_ComboBoxLabel:
        if (const auto* combo = qstyleoption_cast<const QStyleOptionComboBox*>(option)) {
            QStyleOptionComboBox copy(*combo);
            const QRect field = subControlRect(CC_ComboBox, combo, SC_ComboBoxEditField, widget);
            copy.currentText = copy.fontMetrics.elidedText(copy.currentText, Qt::ElideRight,
                                                           textWidth(*combo, field));
            QProxyStyle::drawControl(element, &copy, painter, widget);
            return true;
        }
        return false;
    case CE_PushButtonLabel:
        return draw(qstyleoption_cast<const QStyleOptionButton*>(option));
    case CE_TabBarTabLabel:
        return draw(qstyleoption_cast<const QStyleOptionTab*>(option));
    case CE_HeaderLabel:
        return draw(qstyleoption_cast<const QStyleOptionHeader*>(option));
    case CE_ItemViewItem:
        return draw(qstyleoption_cast<const QStyleOptionViewItem*>(option));
    default:
        return false;
    }
}

bool StudioStyle::drawShape(ControlElement element, const QStyleOption* option, QPainter* painter,
                            const QWidget* widget) const {
    const auto draw = [painter](const auto* given, auto shape) {
        if (given != nullptr) {
            shape(*given, painter);
        }
        return given != nullptr;
    };
    switch (element) {
    case CE_TabBarTabShape:
        return draw(qstyleoption_cast<const QStyleOptionTab*>(option), drawTabShape);
    case CE_ProgressBar:
        return draw(qstyleoption_cast<const QStyleOptionProgressBar*>(option), drawProgress);
    case CE_DockWidgetTitle:
        return draw(qstyleoption_cast<const QStyleOptionDockWidget*>(option), drawDockTitle);
    case CE_HeaderSection:
        // The corner of a table with two headers is no header.
        if (qobject_cast<const QAbstractButton*>(widget) == nullptr) {
            drawHeader(option, painter);
        }
        return true;
    case CE_HeaderEmptyArea:
        drawHeader(option, painter);
        return true;
    case CE_Splitter:
        drawSplitter(option, painter);
        return true;
    case CE_MenuBarEmptyArea:
        painter->fillRect(option->rect, tone(Token::Window));
        return true;
    case CE_MenuBarItem:
        return draw(qstyleoption_cast<const QStyleOptionMenuItem*>(option),
                    [this, widget](const QStyleOptionMenuItem& item, QPainter* on) {
                        drawMenuBarItem(&item, on);
                        drawMenuBarText(item, on, widget);
                    });
    default:
        return false;
    }
}

void StudioStyle::drawMenuBarText(const QStyleOptionMenuItem& item, QPainter* painter,
                                  const QWidget* widget) const {
    const bool underlined = proxy()->styleHint(SH_UnderlineShortcut, &item, widget, nullptr) != 0;
    const int mnemonic = underlined ? Qt::TextShowMnemonic : Qt::TextHideMnemonic;
    drawItemText(painter, item.rect, Qt::AlignCenter | Qt::TextSingleLine | mnemonic, item.palette,
                 has(&item, State_Enabled), item.text, QPalette::WindowText);
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
