#include "widgets/support/plot_ticks.h"

#include <cmath>

#include "widgets/support/number_text.h"

namespace caldera::studio {

namespace {

constexpr double kFewDecades = 2.5;   ///< below this many, decades are divided
constexpr double kDecadeLabels = 5;   ///< above this many, decades are skipped
constexpr double kLargestPlain = 1e6; ///< from here on labels have exponents

class EvenTicker : public QCPAxisTicker {
protected:
    double getTickStep(const QCPRange& range) override {
        const double step = QCPAxisTicker::getTickStep(range);
        decimals_ = 0;
        for (double scaled = step; decimals_ < kMostDecimals && !isWhole(scaled); scaled *= 10) {
            ++decimals_;
        }
        return step;
    }
    QString getTickLabel(double tick, const QLocale& locale, QChar format, int figures) override {
        if (decimals_ >= kMostDecimals || std::abs(tick) >= kLargestPlain) {
            return QCPAxisTicker::getTickLabel(tick, locale, format, figures);
        }
        return locale.toString(tick, 'f', decimals_);
    }

private:
    static constexpr int kMostDecimals = 6;
    static bool isWhole(double value) {
        return value >= 0.5 && std::abs(value - std::round(value)) < 1e-6;
    }
    int decimals_ = 0;
};

class DecadeTicker : public QCPAxisTicker {
protected:
    QVector<double> createTickVector(double, const QCPRange& range) override {
        QVector<double> ticks;
        if (range.lower <= 0) {
            return ticks;
        }
        const double decades = std::log10(range.upper / range.lower);
        const int step = qMax(1, static_cast<int>(std::ceil(decades / kDecadeLabels)));
        const int first = static_cast<int>(std::floor(std::log10(range.lower) / step)) * step;
        for (int decade = first; decade <= std::log10(range.upper); decade += step) {
            for (const double part : {1.0, 2.0, 5.0}) {
                if (part == 1 || decades < kFewDecades) {
                    ticks.append(part * std::pow(10.0, decade));
                }
            }
        }
        return ticks;
    }
    QVector<double> createSubTickVector(int, const QVector<double>&) override { return {}; }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override {
        return figureText(tick, 1);
    }
};

} // namespace

QSharedPointer<QCPAxisTicker> evenTicks() {
    return QSharedPointer<EvenTicker>::create();
}

QSharedPointer<QCPAxisTicker> wholeTicks() {
    auto ticker = QSharedPointer<QCPAxisTickerFixed>::create();
    ticker->setTickStep(1);
    ticker->setScaleStrategy(QCPAxisTickerFixed::ssMultiples);
    return ticker;
}

QSharedPointer<QCPAxisTicker> decadeTicks() {
    return QSharedPointer<DecadeTicker>::create();
}

} // namespace caldera::studio
