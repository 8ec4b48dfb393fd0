#include "core/allocation/expected_errors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/format_version.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-expected";
constexpr int kMajor = 1;

/// Reached over predicted: the factors of docs/experiments/fidelity.md with two of their spreads.
struct Factors {
    double low;
    double high;
};
constexpr Factors kMeasured{0.90, 1.04};
/// Near a matrix's full rank L takes up more than is predicted, unlike for unlike cells.
constexpr Factors kNearFullRank{0.70, 1.15};
constexpr Factors kInterpolated{0.65, 1.09}; ///< predicted up to 1.37 times too high
constexpr Factors kExtrapolated{0.50, 1.50};

constexpr std::array<std::pair<ErrorOrigin, const char*>, 3> kOrigins{
    {{ErrorOrigin::Measured, "measured"},
     {ErrorOrigin::Interpolated, "interpolated"},
     {ErrorOrigin::Extrapolated, "extrapolated"}}};

const char* originName(ErrorOrigin origin) {
    return std::find_if(kOrigins.begin(), kOrigins.end(),
                        [origin](const auto& entry) { return entry.first == origin; })
        ->second;
}

Factors factorsOf(ErrorOrigin origin, int rank, MatrixShape shape) {
    if (origin != ErrorOrigin::Measured) {
        return origin == ErrorOrigin::Interpolated ? kInterpolated : kExtrapolated;
    }
    return 2 * rank > std::min(shape.rows, shape.columns) ? kNearFullRank : kMeasured;
}

ExpectedError readCell(const Json& json) {
    const auto name = json.at("origin").get<std::string>();
    const auto origin = std::find_if(kOrigins.begin(), kOrigins.end(),
                                     [&name](const auto& entry) { return name == entry.second; });
    ExpectedError expected{json.at("relative_error").get<double>(), json.at("low").get<double>(),
                           json.at("high").get<double>(),
                           origin == kOrigins.end() ? ErrorOrigin::Extrapolated : origin->first};
    return expected;
}

} // namespace

std::map<Cell, ExpectedError> expectedErrors(const PlanCells& cells, const LossModel& model) {
    std::map<Cell, ExpectedError> all;
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const CellSettings& settings = cells.settingsOf(cell);
            if (settings.skip) {
                continue;
            }
            const OptionError error = model.error(cell, settings);
            const Factors factors =
                factorsOf(error.origin, settings.rank, cells.config().shapeOf(module));
            all[cell] = {error.relativeError, factors.low * error.relativeError,
                         factors.high * error.relativeError, error.origin};
        }
    }
    return all;
}

std::string expectedText(const std::map<Cell, ExpectedError>& expected) {
    Json cells = Json::object();
    for (const auto& [cell, error] : expected) {
        cells[cellName(cell)] = {{"relative_error", error.relativeError},
                                 {"low", error.low},
                                 {"high", error.high},
                                 {"origin", originName(error.origin)}};
    }
    return Json{{"format", formatText(kFormat, kMajor)}, {"cells", cells}}.dump(1) + "\n";
}

std::map<Cell, ExpectedError> parseExpected(const std::string& text, const std::string& origin) {
    try {
        const Json json = Json::parse(text);
        const auto format = json.at("format").get<std::string>();
        const FormatFit fit = formatFit(format, kFormat, kMajor);
        if (fit != FormatFit::Readable) {
            throw Error(fit == FormatFit::Newer ? "job.newer" : "job.expected",
                        origin + " has the format " + format + "; " + formatText(kFormat, kMajor) +
                            " was needed.",
                        {{"file", origin}});
        }
        std::map<Cell, ExpectedError> expected;
        for (const auto& [name, value] : json.at("cells").items()) {
            if (const auto cell = parseCellName(name)) {
                expected[*cell] = readCell(value);
            }
        }
        return expected;
    } catch (const Json::exception& error) {
        throw Error("job.expected", origin + " is not readable: " + error.what() + ".",
                    {{"file", origin}});
    }
}

} // namespace caldera
