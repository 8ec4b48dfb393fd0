#include "widgets/jobs/surprise.h"

#include <algorithm>
#include <cmath>

#include <QCoreApplication>

#include "widgets/support/number_text.h"

namespace caldera::studio {

namespace {

struct Texts {
    Q_DECLARE_TR_FUNCTIONS(Surprise)
};

QString originText(ErrorOrigin origin) {
    return origin == ErrorOrigin::Measured       ? Texts::tr("measured")
           : origin == ErrorOrigin::Interpolated ? Texts::tr("interpolated")
                                                 : Texts::tr("extrapolated");
}

/// How many times it is beyond the end of its range, as a logarithm.
double distance(const JobCell& cell) {
    const double error = std::max(cell.relativeError, 1e-12);
    return error > cell.expected->high ? std::log(error / cell.expected->high)
                                       : std::log(cell.expected->low / error);
}

} // namespace

Surprise surpriseOf(const JobCell& cell) {
    if (!cell.expected || cell.expected->holds(cell.relativeError)) {
        return Surprise::AsExpected;
    }
    return cell.relativeError > cell.expected->high ? Surprise::Worse : Surprise::Better;
}

QString surpriseText(const JobCell& cell) {
    const Surprise surprise = surpriseOf(cell);
    if (surprise == Surprise::AsExpected) {
        return {};
    }
    const ExpectedError& expected = *cell.expected;
    const QString text = surprise == Surprise::Worse
                             ? Texts::tr("worse than expected: %1, predicted %2 (%3 to %4, %5)")
                             : Texts::tr("better than expected: %1, predicted %2 (%3 to %4, %5)");
    return text.arg(figureText(cell.relativeError), figureText(expected.relativeError),
                    figureText(expected.low), figureText(expected.high),
                    originText(expected.origin));
}

QList<JobCell> surprisesOf(const JobHistory& history) {
    QList<JobCell> cells;
    std::copy_if(history.cells().begin(), history.cells().end(), std::back_inserter(cells),
                 [](const JobCell& cell) { return surpriseOf(cell) != Surprise::AsExpected; });
    std::stable_sort(cells.begin(), cells.end(),
                     [](const JobCell& a, const JobCell& b) { return distance(a) > distance(b); });
    return cells;
}

} // namespace caldera::studio
