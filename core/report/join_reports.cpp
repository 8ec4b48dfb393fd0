#include "core/report/join_reports.h"

#include <algorithm>
#include <cmath>

#include "core/report/find_metric.h"

namespace caldera {

namespace {

void addLayers(std::vector<double>& whole, const std::vector<double>& part) {
    whole.resize(std::max(whole.size(), part.size()), std::nan(""));
    for (size_t i = 0; i < part.size(); ++i) {
        whole[i] = std::isnan(part[i]) ? whole[i] : part[i];
    }
}

void addMetric(FidelityMetric& whole, const FidelityMetric& part) {
    whole.values.insert(part.values.begin(), part.values.end());
    whole.options.insert(part.options.begin(), part.options.end());
    whole.errorLevels.insert(part.errorLevels.begin(), part.errorLevels.end());
    whole.settings.insert(part.settings.begin(), part.settings.end());
    whole.tables.insert(whole.tables.end(), part.tables.begin(), part.tables.end());
    for (const auto& [name, values] : part.details) {
        whole.details[name].insert(values.begin(), values.end());
    }
    for (const auto& [name, values] : part.layers) {
        addLayers(whole.layers[name], values);
    }
    whole.numbers.insert(part.numbers.begin(), part.numbers.end());
}

bool hasEvaluationsAlone(const Report& report) {
    return report.cells.empty() && report.fidelity.empty();
}

} // namespace

void addPart(Report& whole, const Report& part) {
    whole.cells.insert(part.cells.begin(), part.cells.end());
    for (const FidelityMetric& metric : part.fidelity) {
        if (FidelityMetric* known = findMetric(whole, metric.name)) {
            addMetric(*known, metric);
        } else {
            whole.fidelity.push_back(metric);
        }
    }
}

void keepFrom(const Report& earlier, Report& later) {
    if (hasEvaluationsAlone(later) && !hasEvaluationsAlone(earlier)) {
        later.run = earlier.run;
    }
    later.run.insert(earlier.run.begin(), earlier.run.end());
    later.cells.insert(earlier.cells.begin(), earlier.cells.end());
    for (const FidelityMetric& metric : earlier.fidelity) {
        if (findMetric(later, metric.name) == nullptr) {
            later.fidelity.push_back(metric);
        }
    }
    keepEvaluations(earlier, later);
}

void keepEvaluations(const Report& earlier, Report& later) {
    for (const EvaluationRecord& record : earlier.evaluations) {
        const bool measuredAgain =
            std::any_of(later.evaluations.begin(), later.evaluations.end(),
                        [&](const EvaluationRecord& known) { return known.name == record.name; });
        if (!measuredAgain) {
            later.evaluations.push_back(record);
        }
    }
}

} // namespace caldera
