#include "widgets/inspect_view/inspect_focus.h"

#include <QCoreApplication>

#include <algorithm>

#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr double kPalest = 0.3; ///< place in the colour ramp of the first layer

double square(double value) {
    return value * value;
}

/// Energy of all values, those that were left out included.
double wholeEnergy(const std::vector<float>& values, double tailEnergy) {
    double leading = 0;
    for (const float value : values) {
        leading += square(value);
    }
    return tailEnergy < 1 ? leading / (1 - std::max(0.0, tailEnergy)) : 0;
}

} // namespace

const CellReport* InspectFocus::measured() const {
    if (!report) {
        return nullptr;
    }
    const auto found = report->cells.find(cell);
    return found == report->cells.end() ? nullptr : &found->second;
}

std::vector<Cell> InspectFocus::cells() const {
    std::vector<Cell> result;
    if (!report) {
        return result;
    }
    for (const auto& [other, measured] : report->cells) {
        const bool beside = overlay == Overlay::Module  ? other.module == cell.module
                            : overlay == Overlay::Layer ? other.layer == cell.layer
                                                        : false;
        if (beside && other != cell) {
            result.push_back(other);
        }
    }
    if (measured() != nullptr) {
        result.push_back(cell);
    }
    return result;
}

std::function<QColor()> overlayColor(const InspectFocus& focus, Cell cell) {
    if (focus.overlay == Overlay::Layer) {
        return [cell] { return Theme::current().category(cell.module); };
    }
    if (cell == focus.cell) {
        return [] { return Theme::current().color(Token::Accent); };
    }
    const int last = std::max(1, focus.report->layerCount - 1);
    const double place = kPalest + (1 - kPalest) * cell.layer / last;
    return [place] { return Theme::current().sequential(place); };
}

std::optional<double> energyKept(const std::vector<float>& values, double tailEnergy, int rank) {
    const double whole = wholeEnergy(values, tailEnergy);
    if (rank < 0 || static_cast<size_t>(rank) > values.size() || !(whole > 0)) {
        return std::nullopt;
    }
    double kept = 0;
    for (int at = 0; at < rank; ++at) {
        kept += square(values[static_cast<size_t>(at)]);
    }
    return kept / whole;
}

std::optional<int> rankThatKeeps(const std::vector<float>& values, double tailEnergy,
                                 double share) {
    const double wanted = share * wholeEnergy(values, tailEnergy);
    double kept = 0;
    for (size_t at = 0; at < values.size() && wanted > 0; ++at) {
        kept += square(values[at]);
        if (kept >= wanted) {
            return static_cast<int>(at) + 1;
        }
    }
    return std::nullopt;
}

} // namespace caldera::studio
