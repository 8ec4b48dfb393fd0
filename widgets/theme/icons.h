// The line icons of resources/icons, drawn in the theme's text colour.
#pragma once

#include <QColor>
#include <QIcon>
#include <QPixmap>
#include <QString>

namespace caldera::studio {

/// An icon by file name without ".svg". It follows the theme by itself: normal in text colour,
/// disabled in the disabled colour, checked (QIcon::On) in the accent.
QIcon icon(const QString& name);

/// One picture of an icon in a given colour; `size` in device-independent pixels.
QPixmap iconPixmap(const QString& name, const QColor& color, int size, qreal devicePixelRatio);

} // namespace caldera::studio
