#include "core/report/join_reports.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/report/find_metric.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

constexpr Cell kFirst{0, Module::QProj};
constexpr Cell kSecond{1, Module::QProj};

Report part(Cell cell, double value, const std::string& name = "kl") {
    Report report;
    report.layerCount = 2;
    report.cells[cell].relativeError = value;
    FidelityMetric metric{name, "text", {{cell, value}}};
    metric.options[cell] = {{2, 0, value}};
    metric.errorLevels[cell] = value;
    metric.settings[cell] = {"trellis", 2, 0};
    metric.details["low"][cell] = value;
    metric.layers["rho"] = {std::nan(""), std::nan("")};
    metric.layers["rho"][static_cast<size_t>(cell.layer)] = value;
    metric.numbers["tokens"] = 5;
    report.fidelity = {metric};
    return report;
}

TEST(JoinReports, PartsGiveTheWhole) {
    Report whole;
    whole.layerCount = 2;
    Report first = part(kFirst, 0.1);
    first.fidelity[0].tables = {{kEmbeddingTable, 8, 0.5}};
    addPart(whole, first);
    addPart(whole, part(kSecond, 0.2));
    ASSERT_EQ(whole.fidelity.size(), 1U);
    const FidelityMetric& metric = whole.fidelity[0];
    EXPECT_EQ(metric.values, (std::map<Cell, double>{{kFirst, 0.1}, {kSecond, 0.2}}));
    EXPECT_EQ(metric.errorLevels, metric.values);
    EXPECT_EQ(metric.details.at("low"), metric.values);
    EXPECT_EQ(metric.options.size(), 2U);
    EXPECT_EQ(metric.settings.size(), 2U);
    EXPECT_EQ(metric.layers.at("rho"), (std::vector<double>{0.1, 0.2}));
    EXPECT_EQ(metric.tables.size(), 1U);
    EXPECT_EQ(metric.numbers.at("tokens"), 5);
    EXPECT_EQ(whole.cells.size(), 2U);
}

TEST(JoinReports, ALaterReportKeepsWhatItDidNotMeasure) {
    Report earlier = part(kFirst, 0.1, "proxy");
    addPart(earlier, part(kFirst, 0.3, "kl"));
    earlier.evaluations = {{"text", {}, {}}};
    Report later = part(kSecond, 0.2, "kl");
    keepFrom(earlier, later);
    ASSERT_EQ(later.fidelity.size(), 2U);
    EXPECT_EQ(later.fidelity[0].values, (std::map<Cell, double>{{kSecond, 0.2}}));
    EXPECT_EQ(later.fidelity[1].name, "proxy");
    EXPECT_EQ(later.cells.size(), 2U);
    EXPECT_EQ(later.evaluations.size(), 1U);
}

TEST(JoinReports, EveryMetricKeepsTheSettingsItWasMeasuredAt) {
    const test::ScratchFolder folder;
    const auto measured = [&](const std::string& name, int rank) {
        Report report = part(kFirst, 0.1, name);
        report.cells[kFirst].settings.rank = rank;
        report.fidelity[0].settings[kFirst].rank = rank;
        writeReport(report, folder / "part.h5");
        return readReport(folder / "part.h5");
    };
    const Report earlier = measured("kl", 64);
    Report later = measured("proxy", 16);
    keepFrom(earlier, later);
    writeReport(later, folder / "whole.h5");
    const Report whole = readReport(folder / "whole.h5");
    EXPECT_EQ(findMetric(whole, "kl")->settings.at(kFirst).rank, 64);
    EXPECT_EQ(findMetric(whole, "proxy")->settings.at(kFirst).rank, 16);
    EXPECT_EQ(whole.cells.at(kFirst).settings.rank, 16) << "the later spectra's";
}

TEST(JoinReports, AnEvaluationThatWasMeasuredAgainReplacesTheEarlierOne) {
    Report earlier;
    earlier.evaluations = {{"code", {{"kl_mean", 1}}, {}}, {"prose", {{"kl_mean", 2}}, {}}};
    Report later;
    later.evaluations = {{"prose", {{"kl_mean", 3}}, {}}};
    keepEvaluations(earlier, later);
    ASSERT_EQ(later.evaluations.size(), 2U);
    EXPECT_EQ(later.evaluations[0].numbers.at("kl_mean"), 3);
    EXPECT_EQ(later.evaluations[1].name, "code");
}

TEST(JoinReports, EvaluationsJoinAMeasurementAndLeaveItsRun) {
    Report measured = part(kFirst, 0.1);
    measured.run = {{"command", "caldera blame"}, {"before", "The cat"}};
    Report evaluated;
    evaluated.run = {{"command", "caldera evaluate"}};
    evaluated.evaluations = {{"text", {}, {}}};
    Report later = evaluated;
    keepFrom(measured, later);
    EXPECT_EQ(later.run, measured.run);
    later = measured;
    later.run.erase("before");
    later.run["command"] = "caldera fidelity";
    keepFrom(measured, later);
    EXPECT_EQ(later.run.at("command"), "caldera fidelity") << "the later measurement's";
    EXPECT_EQ(later.run.at("before"), "The cat");
    later = measured;
    keepFrom(evaluated, later);
    EXPECT_EQ(later.run, measured.run);
}

} // namespace
} // namespace caldera
