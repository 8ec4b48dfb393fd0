// Fusion with flat controls: no gradients, one-pixel lines, one radius, one height.
#pragma once

#include <QProxyStyle>

class QStyleOptionMenuItem;

namespace caldera::studio {

inline constexpr int kHeaderInset = 4; ///< px beside a header's text

class StudioStyle : public QProxyStyle {
    Q_OBJECT
public:
    StudioStyle();

    void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                       const QWidget* widget) const override;
    void drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override;
    void drawComplexControl(ComplexControl control, const QStyleOptionComplex* option,
                            QPainter* painter, const QWidget* widget) const override;
    QRect subElementRect(SubElement element, const QStyleOption* option,
                         const QWidget* widget) const override;
    QIcon standardIcon(StandardPixmap name, const QStyleOption* option,
                       const QWidget* widget) const override;
    int pixelMetric(PixelMetric metric, const QStyleOption* option,
                    const QWidget* widget) const override;
    int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                  QStyleHintReturn* data) const override;
    QSize sizeFromContents(ContentsType type, const QStyleOption* option, const QSize& size,
                           const QWidget* widget) const override;
    QRect subControlRect(ComplexControl control, const QStyleOptionComplex* option,
                         SubControl subControl, const QWidget* widget) const override;
    void polish(QWidget* widget) override;
    using QProxyStyle::polish;

private:
    /// Whether the control is one whose text Fusion draws in a colour of ours; then it is drawn.
    bool drawRecoloured(ControlElement element, const QStyleOption* option, QPainter* painter,
                        const QWidget* widget) const;
    /// Whether the control is one with a shape of ours; then it is drawn.
    bool drawShape(ControlElement element, const QStyleOption* option, QPainter* painter,
                   const QWidget* widget) const;
    void drawMenuBarText(const QStyleOptionMenuItem& item, QPainter* painter,
                         const QWidget* widget) const;
};

} // namespace caldera::studio
