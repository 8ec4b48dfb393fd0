#include "widgets/support/number_text.h"

#include <QCoreApplication>
#include <QLocale>

#include <array>
#include <cmath>

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
    static constexpr std::array<const char*, 4> kUnits = {
        QT_TRANSLATE_NOOP("Numbers", "%1 kB"), QT_TRANSLATE_NOOP("Numbers", "%1 MB"),
        QT_TRANSLATE_NOOP("Numbers", "%1 GB"), QT_TRANSLATE_NOOP("Numbers", "%1 TB")};
    if (bytes < 1000) {
        return Numbers::tr("%1 bytes").arg(bytes);
    }
    auto value = static_cast<double>(bytes) / 1000;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    return Numbers::tr(kUnits[unit]).arg(threeFigures(value));
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
