// The sizes and places of the studio's controls, and how they behave.
#include <QStyleOption>

#include "widgets/theme/studio_style.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr int kScrollBarWidth = 10;
constexpr int kTabHeight = 32;
constexpr int kLeastHandle = 24; ///< px of a scroll bar's handle
constexpr int kSpinButtons = 20; ///< px, width

int handleLength(const QStyleOptionSlider& bar, int length) {
    const int range = bar.maximum - bar.minimum;
    if (range <= 0) {
        return length;
    }
    const qint64 share = static_cast<qint64>(bar.pageStep) * length / (range + bar.pageStep);
    return qBound(qMin(kLeastHandle, length), static_cast<int>(share), length);
}

/// No arrow buttons: the groove is the whole bar.
QRect scrollBarRect(const QStyleOptionSlider& bar, QStyle::SubControl part) {
    const bool horizontal = bar.orientation == Qt::Horizontal;
    const int length = horizontal ? bar.rect.width() : bar.rect.height();
    const int handle = handleLength(bar, length);
    const int start = QStyle::sliderPositionFromValue(bar.minimum, bar.maximum, bar.sliderPosition,
                                                      length - handle, bar.upsideDown);
    const auto along = [&](int from, int extent) {
        const QRect area = horizontal ? QRect(from, 0, extent, bar.rect.height())
                                      : QRect(0, from, bar.rect.width(), extent);
        return QStyle::visualRect(bar.direction, bar.rect, area.translated(bar.rect.topLeft()));
    };
    switch (part) {
    case QStyle::SC_ScrollBarSlider:
        return along(start, handle);
    case QStyle::SC_ScrollBarGroove:
        return along(0, length);
    case QStyle::SC_ScrollBarSubPage:
        return along(0, start);
    case QStyle::SC_ScrollBarAddPage:
        return along(start + handle, length - start - handle);
    default:
        return {};
    }
}

/// Two buttons above one another at the end of the field.
QRect spinBoxRect(const QStyleOptionComplex& box, QStyle::SubControl part) {
    const QRect area = box.rect;
    const QRect buttons(area.right() - kSpinButtons, area.top() + 3, kSpinButtons,
                        area.height() - 6);
    const auto button = [&](int top) {
        return QStyle::visualRect(box.direction, area,
                                  QRect(buttons.left(), top, kSpinButtons, buttons.height() / 2));
    };
    switch (part) {
    case QStyle::SC_SpinBoxUp:
        return button(buttons.top());
    case QStyle::SC_SpinBoxDown:
        return button(buttons.center().y() + 1);
    case QStyle::SC_SpinBoxEditField:
        return QStyle::visualRect(box.direction, area, area.adjusted(6, 2, -kSpinButtons - 2, -2));
    default:
        return area;
    }
}

} // namespace

QRect StudioStyle::subElementRect(SubElement element, const QStyleOption* option,
                                  const QWidget* widget) const {
    const QRect area = QProxyStyle::subElementRect(element, option, widget);
    const bool dockButton =
        element == SE_DockWidgetCloseButton || element == SE_DockWidgetFloatButton;
    return dockButton ? area.translated(-kSpaceSmall, 0) : area;
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
    case PM_IndicatorWidth:
    case PM_IndicatorHeight:
    case PM_ExclusiveIndicatorWidth:
    case PM_ExclusiveIndicatorHeight:
        return 16;
    case PM_TabBarTabHSpace:
        return 2 * kSpaceSmall;
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
    const auto* bar = qstyleoption_cast<const QStyleOptionSlider*>(option);
    if (control == CC_ScrollBar && bar != nullptr) {
        return scrollBarRect(*bar, subControl);
    }
    if (control == CC_SpinBox) {
        return spinBoxRect(*option, subControl);
    }
    return QProxyStyle::subControlRect(control, option, subControl, widget);
}

} // namespace caldera::studio
