#include "widgets/inspect_view/inspect_curves.h"

#include <QCoreApplication>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "widgets/support/cell_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct Curves {
    Q_DECLARE_TR_FUNCTIONS(Curves)
};

constexpr double kFocusWidth = 2.6;
constexpr double kOverlayWidth = 1.0;

/// An empty curve of a cell in the look of the overlay.
Curve curveOfCell(const InspectFocus& focus, Cell cell) {
    Curve curve;
    const bool focused = cell == focus.cell;
    curve.name = cellTitle(cell);
    curve.subject = QVariant::fromValue(cell);
    curve.color = overlayColor(focus, cell);
    curve.width = focused ? kFocusWidth : focus.overlay == Overlay::Layer ? 1.6 : kOverlayWidth;
    // Eighty names would be no legend; first and last say which way the colours go.
    curve.named = focus.overlay != Overlay::Module || focused || cell.layer == 0 ||
                  cell.layer == focus.report->layerCount - 1;
    return curve;
}

QString stepNote(const HistoryEntry& entry) {
    return entry.step == "LR" ? Curves::tr("round %1, L and R fitted").arg(entry.iteration + 1)
                              : Curves::tr("round %1, Q rounded").arg(entry.iteration + 1);
}

} // namespace

const std::vector<float>& spectrumOf(const CellReport& cell, Spectrum spectrum) {
    return spectrum == Spectrum::Weight    ? cell.singularValues
           : spectrum == Spectrum::Hessian ? cell.hessianSingularValues
                                           : cell.residualSingularValues;
}

double tailEnergyOf(const CellReport& cell, Spectrum spectrum) {
    return spectrum == Spectrum::Weight    ? cell.tailEnergy
           : spectrum == Spectrum::Hessian ? cell.hessianTailEnergy
                                           : cell.residualTailEnergy;
}

QString spectrumTitle(Spectrum spectrum) {
    return spectrum == Spectrum::Weight    ? Curves::tr("W")
           : spectrum == Spectrum::Hessian ? Curves::tr("W, as the inputs see it")
                                           : Curves::tr("what is left");
}

std::vector<qsizetype> logSpaced(qsizetype count, int most) {
    std::vector<qsizetype> places;
    const double ratio = std::log(static_cast<double>(std::max<qsizetype>(count, 1)));
    for (int step = 0; step < most && count > 0; ++step) {
        const double share = most > 1 ? static_cast<double>(step) / (most - 1) : 0;
        const auto place = std::llround(std::exp(share * ratio)) - 1;
        if (places.empty() || place > places.back()) {
            places.push_back(std::min<qsizetype>(place, count - 1));
        }
    }
    return places;
}

QList<Curve> historyCurves(const InspectFocus& focus) {
    QList<Curve> curves;
    for (const Cell cell : focus.cells()) {
        Curve curve = curveOfCell(focus, cell);
        curve.points = cell == focus.cell || focus.overlay != Overlay::Module;
        for (const HistoryEntry& entry : focus.report->cells.at(cell).history) {
            curve.x.append(static_cast<double>(curve.x.size() + 1));
            curve.y.append(entry.relativeError);
            curve.notes.append(stepNote(entry));
        }
        if (!curve.x.isEmpty()) {
            curves.append(curve);
        }
    }
    return curves;
}

namespace {

/// Adds spectra to curves. Those of a module are as long as each other, so the places are found
/// once.
class SpectrumPoints {
public:
    explicit SpectrumPoints(std::shared_ptr<const Report> report) : report_(std::move(report)) {}

    void addTo(Curve& curve, Cell cell, Spectrum spectrum) {
        const std::vector<float>& values = spectrumOf(report_->cells.at(cell), spectrum);
        if (const auto count = static_cast<qsizetype>(values.size()); count != count_) {
            count_ = count;
            places_ = logSpaced(count, kMostSpectrumPoints);
        }
        curve.x.reserve(kMostSpectrumPoints);
        curve.y.reserve(kMostSpectrumPoints);
        for (const qsizetype place : places_) {
            const float value = values[static_cast<size_t>(place)];
            if (value > 0) { // what a logarithmic axis can show
                curve.x.append(static_cast<double>(place + 1));
                curve.y.append(static_cast<double>(value));
            }
        }
        curve.allValues = [report = report_, cell, spectrum] {
            const std::vector<float>& all = spectrumOf(report->cells.at(cell), spectrum);
            return QVector<double>(all.begin(), all.end());
        };
    }

private:
    std::shared_ptr<const Report> report_;
    qsizetype count_ = 0;
    std::vector<qsizetype> places_; ///< of a spectrum of count_ values
};

} // namespace

QList<Curve> spectrumCurves(const InspectFocus& focus, Spectrum spectrum) {
    QList<Curve> curves;
    SpectrumPoints points(focus.report);
    for (const Cell cell : focus.cells()) {
        Curve curve = curveOfCell(focus, cell);
        points.addTo(curve, cell, spectrum);
        if (!curve.x.isEmpty()) {
            curves.append(curve);
        }
    }
    return curves;
}

QList<Curve> spectraOfCell(const InspectFocus& focus) {
    QList<Curve> curves;
    SpectrumPoints points(focus.report);
    for (const auto& [spectrum, tone] : {std::pair(Spectrum::Weight, Token::Secondary),
                                         std::pair(Spectrum::Hessian, Token::Accent),
                                         std::pair(Spectrum::Residual, Token::Warn)}) {
        Curve curve;
        curve.name = spectrumTitle(spectrum);
        curve.color = [tone = tone] { return Theme::current().color(tone); };
        if (focus.measured() != nullptr) {
            points.addTo(curve, focus.cell, spectrum);
        }
        if (!curve.x.isEmpty()) {
            curves.append(curve);
        }
    }
    return curves;
}

Curve valuesCurve(const QString& name, const std::vector<float>& values, Token tone) {
    Curve curve;
    curve.name = name;
    curve.color = [tone] { return Theme::current().color(tone); };
    curve.width = 1;
    for (size_t at = 0; at < values.size(); ++at) {
        curve.x.append(static_cast<double>(at));
        curve.y.append(static_cast<double>(values[at]));
    }
    return curve;
}

QList<Curve> depthCurves(const MetricLayer& metric) {
    QList<Curve> curves;
    for (const Module module : kModules) {
        Curve curve;
        curve.name = moduleText(module);
        curve.subject = QVariant::fromValue(module);
        curve.color = [module] { return Theme::current().category(module); };
        curve.points = true;
        for (const auto& [cell, value] : metric.values) {
            if (cell.module == module) {
                curve.x.append(cell.layer);
                curve.y.append(value);
            }
        }
        if (!curve.x.isEmpty()) {
            curves.append(curve);
        }
    }
    return curves;
}

QList<Curve> hiddenErrorCurves(const std::vector<EvaluationRecord>& evaluations) {
    QList<Curve> curves;
    for (const EvaluationRecord& record : evaluations) {
        const auto found = record.layers.find("hidden_error");
        if (found == record.layers.end() || found->second.empty()) {
            continue;
        }
        Curve curve;
        curve.name = QString::fromStdString(record.name);
        const Module color = kModules.at(static_cast<size_t>(curves.size()) % kModules.size());
        curve.color = [color] { return Theme::current().category(color); };
        curve.points = true;
        for (size_t layer = 0; layer < found->second.size(); ++layer) {
            curve.x.append(static_cast<double>(layer));
            curve.y.append(found->second[layer]);
        }
        curves.append(curve);
    }
    return curves;
}

} // namespace caldera::studio
