// Pictures of a view in both themes, for eyes and for simple claims.
#pragma once

#include <QApplication>
#include <QDir>
#include <QImage>
#include <QTest>
#include <QWidget>

#include "widgets/theme/theme.h"

namespace caldera::studio {

/// The view as it looks now in this theme. With $CALDERA_PICTURES set, it is also written there as
/// NAME-dark.png or NAME-light.png.
inline QImage picture(QWidget& view, const QString& name, SchemeChoice scheme) {
    Theme::current().setChoice(scheme);
    QTest::qWait(400);
    QImage image = view.grab().toImage();
    const QString folder = qEnvironmentVariable("CALDERA_PICTURES");
    if (!folder.isEmpty()) {
        QDir().mkpath(folder);
        const bool dark = scheme == SchemeChoice::Dark;
        image.save(folder + u'/' + name +
                   (dark ? QStringLiteral("-dark.png") : QStringLiteral("-light.png")));
    }
    return image;
}

/// Share of the picture's pixels that have this colour, 0 .. 1.
inline double shareOf(const QImage& image, const QColor& color) {
    qint64 count = 0;
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x)
            count += image.pixel(x, y) == color.rgb() ? 1 : 0;
    }
    return static_cast<double>(count) / (static_cast<double>(image.width()) * image.height());
}

} // namespace caldera::studio
