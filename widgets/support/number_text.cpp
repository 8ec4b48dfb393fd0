#include "widgets/support/number_text.h"

#include <QCoreApplication>
#include <QLocale>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/base/text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct Numbers {
    Q_DECLARE_TR_FUNCTIONS(Numbers)
};

/// Three figures, trailing zeros kept so that columns stay aligned: "4.92", "49.2", "492".
QString threeFigures(double value) {
    const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return QLocale::c().toString(value, 'f', decimals);
}

uint64_t whole(int64_t bytes) {
    return static_cast<uint64_t>(std::max<int64_t>(bytes, 0));
}

/// A size as the command line says it, its unit translated.
QString inWords(const std::string& size) {
    [[maybe_unused]] static constexpr std::array kUnits = {
        QT_TRANSLATE_NOOP("Numbers", "%1 bytes"), QT_TRANSLATE_NOOP("Numbers", "%1 kB"),
        QT_TRANSLATE_NOOP("Numbers", "%1 MB"),    QT_TRANSLATE_NOOP("Numbers", "%1 GB"),
        QT_TRANSLATE_NOOP("Numbers", "%1 TB"),    QT_TRANSLATE_NOOP("Numbers", "%1 KiB"),
        QT_TRANSLATE_NOOP("Numbers", "%1 MiB"),   QT_TRANSLATE_NOOP("Numbers", "%1 GiB"),
        QT_TRANSLATE_NOOP("Numbers", "%1 TiB")};
    const size_t space = size.find(' ');
    return Numbers::tr(("%1" + size.substr(space)).c_str())
        .arg(QString::fromStdString(size.substr(0, space)));
}

} // namespace

QString countText(int64_t value) {
    QString digits = QString::number(std::abs(value));
    for (qsizetype at = digits.size() - 3; at > 0; at -= 3) {
        digits.insert(at, QChar(kThinSpace));
    }
    return value < 0 ? u'\u2212' + digits : digits;
}

QString parameterText(int64_t parameters) {
    const auto value = static_cast<double>(parameters);
    if (parameters >= 1'000'000'000) {
        return Numbers::tr("%1 B").arg(threeFigures(value / 1e9));
    }
    if (parameters >= 1'000'000) {
        return Numbers::tr("%1 M").arg(threeFigures(value / 1e6));
    }
    if (parameters >= 10'000) {
        return Numbers::tr("%1 k").arg(threeFigures(value / 1e3));
    }
    return countText(parameters);
}

QString sizeText(int64_t bytes) {
    return inWords(byteText(whole(bytes)));
}

QString memoryText(int64_t bytes) {
    return inWords(caldera::memoryText(whole(bytes)));
}

QString figureText(double value, int figures) {
    if (!std::isfinite(value)) {
        return u"\u2013"_s;
    }
    if (value == 0) {
        return u"0"_s;
    }
    const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
    if (magnitude < -5 || magnitude > 8) {
        return QLocale::c().toString(value, 'e', figures - 1);
    }
    return QLocale::c().toString(value, 'f', qMax(0, figures - 1 - magnitude));
}

QString spanText(double seconds) {
    if (seconds < 0 || !std::isfinite(seconds)) {
        return {};
    }
    const auto whole = static_cast<int64_t>(std::llround(seconds));
    if (whole >= 3600) {
        return Numbers::tr("%1 h %2 min")
            .arg(whole / 3600)
            .arg(whole % 3600 / 60, 2, 10, QChar(u'0'));
    }
    if (whole >= 60) {
        return Numbers::tr("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, QChar(u'0'));
    }
    return seconds < 10 ? Numbers::tr("%1 s").arg(QLocale::c().toString(seconds, 'f', 1))
                        : Numbers::tr("%1 s").arg(whole);
}

} // namespace caldera::studio
