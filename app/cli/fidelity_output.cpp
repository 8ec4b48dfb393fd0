#include "app/cli/fidelity_output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/report/rank_correlation.h"
#include "core/report/value_interval.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;

/// Cells that the text output names of each metric.
constexpr size_t kShown = 10;

using CellValue = std::pair<Cell, double>;

std::vector<CellValue> mostFragileFirst(const FidelityMetric& metric) {
    std::vector<CellValue> cells(metric.values.begin(), metric.values.end());
    std::stable_sort(cells.begin(), cells.end(),
                     [](const CellValue& a, const CellValue& b) { return a.second > b.second; });
    return cells;
}

Json byCell(const std::map<Cell, double>& values) {
    Json json = Json::object();
    for (const auto& [cell, value] : values) {
        json[cellName(cell)] = value;
    }
    return json;
}

Json optionsJson(const std::map<Cell, std::vector<FidelityOption>>& options) {
    Json json = Json::object();
    for (const auto& [cell, measured] : options) {
        Json& list = json[cellName(cell)] = Json::array();
        for (const FidelityOption& option : measured) {
            list.push_back({{"bits", option.bits},
                            {"rank", option.rank},
                            {"relative_error", option.relativeError}});
        }
    }
    return json;
}

Json settingsJson(const std::map<Cell, MeasuredSettings>& settings) {
    Json json = Json::object();
    for (const auto& [cell, at] : settings) {
        json[cellName(cell)] = {{"codec", at.codec}, {"bits", at.bits}, {"rank", at.rank}};
    }
    return json;
}

std::string wordsOf(const Interval& interval) {
    std::array<char, 64> text = {};
    std::snprintf(text.data(), text.size(), " (95 %%: %.3g to %.3g)", interval.low, interval.high);
    return text.data();
}

/// [low, high] of each cell whose interval is known.
Json intervalsJson(const FidelityMetric& metric) {
    Json json = Json::object();
    for (const auto& [cell, value] : metric.values) {
        if (const auto interval = valueInterval(metric, cell)) {
            json[cellName(cell)] = {interval->low, interval->high};
        }
    }
    return json;
}

Json tablesJson(const std::vector<TableCost>& tables) {
    Json json = Json::array();
    for (const TableCost& cost : tables) {
        json.push_back({{"table", cost.table}, {"bits", cost.bits}, {"value", cost.value}});
    }
    return json;
}

Json metricJson(const FidelityMetric& metric) {
    Json details = Json::object();
    for (const auto& [name, values] : metric.details) {
        details[name] = byCell(values);
    }
    return {{"metric", metric.name},
            {"description", metric.description},
            {"values", byCell(metric.values)},
            {"intervals_95", intervalsJson(metric)},
            {"cells", details},
            {"layers", metric.layers},
            {"numbers", metric.numbers},
            {"options", optionsJson(metric.options)},
            {"error_levels", byCell(metric.errorLevels)},
            {"settings", settingsJson(metric.settings)},
            {"tables", tablesJson(metric.tables)}};
}

Json correlationsJson(const Report& report) {
    Json json = Json::array();
    for (const RankCorrelation& found : rankCorrelations(report.fidelity)) {
        json.push_back({{"first", found.first},
                        {"second", found.second},
                        {"cells", found.cells},
                        {"other_settings", found.otherSettings},
                        {"spearman", found.correlation}});
    }
    return json;
}

/// What token recovery found besides its noise ratio.
std::string recoveryText(const FidelityMetric& metric, Cell cell) {
    const auto share = detailOf(metric, kRecovery, cell);
    const auto margin = detailOf(metric, kMargin, cell);
    std::array<char, 64> text = {};
    if (share && margin) {
        std::snprintf(text.data(), text.size(), ", %.3g %% recovered, margin %.2g", 100 * *share,
                      *margin);
    }
    return text.data();
}

void printMetric(const FidelityMetric& metric) {
    const std::vector<CellValue> cells = mostFragileFirst(metric);
    std::printf("%s: %zu cells. The most fragile:\n", metric.name.c_str(), cells.size());
    for (size_t i = 0; i < std::min(kShown, cells.size()); ++i) {
        const auto& [cell, value] = cells[i];
        const auto interval = valueInterval(metric, cell);
        std::printf("  %.4g%s%s  %s\n", value, interval ? wordsOf(*interval).c_str() : "",
                    recoveryText(metric, cell).c_str(), cellName(cell).c_str());
    }
    for (const TableCost& cost : metric.tables) {
        std::printf("  %.4g  %s at %d bits\n", cost.value, cost.table.c_str(), cost.bits);
    }
}

/// One entry of the list of results; blocks have an index, embeddings have none.
Json lensEntry(int index, double fidelity, double margin, double places) {
    Json modules = Json::array();
    if (index > 0) {
        for (const Module module : kModules) {
            modules.push_back(cellName({index - 1, module}));
        }
    }
    return {{"index", index},
            {"label", index == 0 ? "embeddings" : "layer_" + std::to_string(index - 1)},
            {"block_index", index == 0 ? Json() : Json(index - 1)},
            {"fidelity", fidelity},
            {"margin", margin},
            {"modules", modules},
            {"samples", static_cast<int64_t>(places)}};
}

} // namespace

Json fidelityJson(const FidelityOutcome& outcome) {
    Json metrics = Json::array();
    Json json;
    for (const FidelityMetric& metric : outcome.report.fidelity) {
        metrics.push_back(metricJson(metric));
        if (metric.name == outcome.metric) {
            json = {{"metric", metric.name},
                    {"description", metric.description},
                    {"values", byCell(metric.values)}};
        }
    }
    json["out"] = outcome.out.string();
    json["seconds"] = outcome.seconds;
    json["metrics"] = metrics;
    json["rank_correlations"] = correlationsJson(outcome.report);
    return json;
}

std::string intervalText(double mean, double standardError) {
    return standardError > 0 ? wordsOf(interval95(mean, standardError)) : std::string();
}

void printFidelity(const FidelityOutcome& outcome) {
    std::printf("%s, measured in %s\n", outcome.out.c_str(), durationText(outcome.seconds).c_str());
    for (const FidelityMetric& metric : outcome.report.fidelity) {
        printMetric(metric);
    }
    const std::vector<RankCorrelation> correlations = rankCorrelations(outcome.report.fidelity);
    if (!correlations.empty()) {
        std::printf("Rank correlation (1: the same order of cells, 0: none):\n");
    }
    for (const RankCorrelation& found : correlations) {
        std::printf("  %+.3f  %s and %s, %d cells", found.correlation, found.first.c_str(),
                    found.second.c_str(), found.cells);
        if (found.otherSettings > 0) {
            std::printf(", %d of them measured at different settings", found.otherSettings);
        }
        std::printf("\n");
    }
}

Json lensJson(const FidelityMetric& lens, const std::string& model, const std::string& text) {
    const auto number = [&](const char* name) { return lens.numbers.at(name); };
    const auto whole = [&](const char* name) { return static_cast<int64_t>(number(name)); };
    Json results = Json::array();
    results.push_back(
        lensEntry(0, number("embeddings_fidelity"), number("embeddings_margin"), number("places")));
    const std::vector<double>& fidelity = lens.layers.at("fidelity");
    for (size_t layer = 0; layer < fidelity.size(); ++layer) {
        results.push_back(lensEntry(static_cast<int>(layer) + 1, fidelity[layer],
                                    lens.layers.at("margin").at(layer), number("places")));
    }
    return {{"model_id", model},
            {"dataset", text},
            {"dataset_config", nullptr},
            {"split", nullptr},
            {"samples", whole("samples")},
            {"samples_per_seq", whole("samples_per_seq")},
            {"negatives", whole("negatives")},
            {"max_length", whole("max_length")},
            {"results", results}};
}

} // namespace caldera::cli
