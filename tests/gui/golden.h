// Pictures of the studio as it should look: kept in tests/gui/golden, compared with a tolerance.
//
//     CALDERA_GOLDEN=update build/cpu/tests/gui/studio/studio_test --gtest_filter='Golden*'
//
// writes them anew; look at each before it is committed. With CALDERA_PICTURES=FOLDER a picture
// that fails is written there, beside its difference.
#pragma once

#include <QImage>
#include <QString>
#include <QWidget>

#include <gtest/gtest.h>

namespace caldera::studio {

/// Half the size in each direction, as golden pictures are kept.
QImage halved(const QImage& image);

/// What is still the same picture. Other hinting of letters gives up to 12, a missing word or a
/// cell of a wrong colour 40 and more.
inline constexpr int kUnlikeness = 18;

/// How unlike two halved pictures are to the eye: both softened over ten pixels of the screen, the
/// largest difference of a channel anywhere, 0 .. 255. Softening lets edges of letters differ, as
/// they do between versions of a font's renderer, but no letter be missing. 255 for other sizes.
int unlikeness(const QImage& golden, const QImage& now);

/// Success when the picture looks like the golden one of this name, else where it does not.
::testing::AssertionResult looksLike(const QString& name, const QImage& now);

} // namespace caldera::studio
