#include "tests/gui/golden.h"

#include <QDir>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace caldera::studio {

namespace {

using namespace Qt::StringLiterals;

constexpr int kReach = 2; ///< of softening, in pixels of a halved picture
constexpr int kChannels = 3;

/// Channels of all pixels, one after another.
struct Plane {
    int width = 0;
    int height = 0;
    std::vector<int> values; // [height, width, channel]

    int& at(int x, int y, int channel) {
        return values[static_cast<size_t>((y * width + x) * kChannels + channel)];
    }
    int at(int x, int y, int channel) const { return const_cast<Plane*>(this)->at(x, y, channel); }
};

Plane planeOf(const QImage& image) {
    Plane plane{image.width(), image.height(), {}};
    plane.values.resize(static_cast<size_t>(image.width()) * image.height() * kChannels);
    for (int y = 0; y < plane.height; ++y) {
        for (int x = 0; x < plane.width; ++x) {
            const QRgb pixel = image.pixel(x, y);
            plane.at(x, y, 0) = qRed(pixel);
            plane.at(x, y, 1) = qGreen(pixel);
            plane.at(x, y, 2) = qBlue(pixel);
        }
    }
    return plane;
}

/// Mean over the pixels around each one, those of the edge repeated.
Plane softened(const Plane& sharp) {
    const auto along = [](const Plane& from, int right, int down) {
        Plane to = from;
        for (int y = 0; y < from.height; ++y) {
            for (int x = 0; x < from.width; ++x) {
                for (int channel = 0; channel < kChannels; ++channel) {
                    int sum = 0;
                    for (int step = -kReach; step <= kReach; ++step) {
                        sum += from.at(std::clamp(x + right * step, 0, from.width - 1),
                                       std::clamp(y + down * step, 0, from.height - 1), channel);
                    }
                    to.at(x, y, channel) = sum / (2 * kReach + 1);
                }
            }
        }
        return to;
    };
    return along(along(sharp, 1, 0), 0, 1);
}

/// The largest difference of a channel at each pixel, as grey values.
QImage differenceOf(const QImage& golden, const QImage& now) {
    const Plane before = softened(planeOf(golden));
    const Plane after = softened(planeOf(now));
    QImage difference(golden.size(), QImage::Format_Grayscale8);
    for (int y = 0; y < before.height; ++y) {
        for (int x = 0; x < before.width; ++x) {
            int largest = 0;
            for (int channel = 0; channel < kChannels; ++channel) {
                largest =
                    std::max(largest, std::abs(before.at(x, y, channel) - after.at(x, y, channel)));
            }
            difference.scanLine(y)[x] = static_cast<uchar>(largest);
        }
    }
    return difference;
}

struct Worst {
    int value = 0;
    QPoint place;
};

Worst worstOf(const QImage& difference) {
    Worst worst;
    for (int y = 0; y < difference.height(); ++y) {
        for (int x = 0; x < difference.width(); ++x) {
            if (const int value = difference.constScanLine(y)[x]; value > worst.value) {
                worst = {value, {x, y}};
            }
        }
    }
    return worst;
}

void keepFailure(const QString& name, const QImage& now, const QImage& difference) {
    const QString folder = qEnvironmentVariable("CALDERA_PICTURES");
    if (!folder.isEmpty()) {
        QDir().mkpath(folder);
        now.save(folder + u'/' + name + u".png"_s);
        difference.save(folder + u'/' + name + u"-difference.png"_s);
    }
}

} // namespace

QImage halved(const QImage& image) {
    return image.convertToFormat(QImage::Format_RGB32)
        .scaled(image.size() / 2, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
}

int unlikeness(const QImage& golden, const QImage& now) {
    return golden.size() == now.size() ? worstOf(differenceOf(golden, now)).value : 255;
}

::testing::AssertionResult looksLike(const QString& name, const QImage& now) {
    const QString file = QStringLiteral(CALDERA_SOURCE_DIR "/tests/gui/golden/") + name + u".png"_s;
    const QImage seen = halved(now);
    if (qEnvironmentVariable("CALDERA_GOLDEN") == u"update") {
        return seen.save(file, "PNG", 0)
                   ? ::testing::AssertionSuccess()
                   : ::testing::AssertionFailure() << "cannot write " << file.toStdString();
    }
    const QImage golden(file);
    if (golden.size() != seen.size()) {
        keepFailure(name, seen, seen);
        return ::testing::AssertionFailure()
               << file.toStdString() << " has " << golden.width() << " x " << golden.height()
               << " pixels, this picture halved " << seen.width() << " x " << seen.height();
    }
    const QImage difference = differenceOf(golden, seen);
    const Worst worst = worstOf(difference);
    if (worst.value <= kUnlikeness) {
        return ::testing::AssertionSuccess();
    }
    keepFailure(name, seen, difference);
    return ::testing::AssertionFailure()
           << name.toStdString() << " looks other than its golden picture: most of all, by "
           << worst.value << " of 255 (allowed " << kUnlikeness << "), about pixel "
           << worst.place.x() * 2 << ", " << worst.place.y() * 2
           << ". CALDERA_PICTURES=FOLDER keeps both.";
}

} // namespace caldera::studio
