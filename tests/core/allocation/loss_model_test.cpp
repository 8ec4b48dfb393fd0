#include "core/allocation/loss_model.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/report/standard_error.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/support/code_of.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

CellSettings settingsOf(double bits, int rank) {
    CellSettings settings;
    settings.bits = bits;
    settings.rank = rank;
    return settings;
}

FidelityMetric& metric(Report& report, const std::string& name) {
    return report.fidelity[name == "proxy" ? 0 : 1];
}

std::string complaint(const Report& report, int layers = 3) {
    return complaintOf([&] { LossModel(report, layeredConfig(layers)); }).code;
}

TEST(LossModel, IsSensitivityTimesSquaredError) {
    Report report = plausibleReport(layeredConfig(3), 1);
    const Cell cell{1, Module::VProj};
    metric(report, "proxy").options[cell] = {{2, 0, 0.2}, {2, 64, 0.1}};
    metric(report, "kl").values[cell] = 0.009;
    metric(report, "kl").errorLevels[cell] = 0.3;
    const LossModel losses(report, layeredConfig(3));
    EXPECT_NEAR(losses.sensitivity(cell), 0.1, 1e-12);
    EXPECT_EQ(losses.sensitivityOrigin(cell), SensitivityOrigin::Measured);
    EXPECT_NEAR(losses.cellLoss(cell, settingsOf(2, 64)), 0.001, 1e-12);
    EXPECT_NEAR(losses.cellLoss(cell, settingsOf(2, 32)), 0.002, 1e-12); // half-way in logarithms
    EXPECT_EQ(losses.error(cell, settingsOf(2, 64)).origin, ErrorOrigin::Measured);
    EXPECT_EQ(losses.error(cell, settingsOf(2, 32)).origin, ErrorOrigin::Interpolated);
    CellSettings skipped;
    skipped.skip = true;
    EXPECT_EQ(losses.cellLoss(cell, skipped), 0);
}

TEST(LossModel, KnowsHowSureItsMeasurementsAre) {
    Report report = plausibleReport(layeredConfig(2), 1);
    FidelityMetric& kl = metric(report, "kl");
    EXPECT_EQ(LossModel(report, layeredConfig(2)).relativeDeviation(), 0) << "nobody said so";
    for (const auto& [cell, value] : kl.values) {
        kl.details[kStandardError][cell] = value / 4;
    }
    EXPECT_NEAR(LossModel(report, layeredConfig(2)).relativeDeviation(), 0.25, 1e-12);
    kl.details[kStandardError].begin()->second = -1;
    EXPECT_EQ(test::codeOf([&] { LossModel(report, layeredConfig(2)); }), "allocation.measurement");
}

TEST(LossModel, InterpolatesSensitivitiesBetweenLayers) {
    Report report = plausibleReport(layeredConfig(4), 1);
    FidelityMetric& kl = metric(report, "kl");
    const auto at = [](int layer) { return Cell{layer, Module::OProj}; };
    kl.values[at(0)] = 1;
    kl.values[at(2)] = 4;
    kl.values.erase(at(1));
    kl.values.erase(at(3));
    const LossModel losses(report, layeredConfig(4));
    EXPECT_NEAR(losses.sensitivity(at(1)), 2 * losses.sensitivity(at(0)), 1e-9);
    EXPECT_EQ(losses.sensitivityOrigin(at(1)), SensitivityOrigin::Interpolated);
    EXPECT_NEAR(losses.sensitivity(at(3)), losses.sensitivity(at(2)), 1e-9);
}

TEST(LossModel, AssumesSensitivitiesWhereNoneWasMeasured) {
    Report report = plausibleReport(layeredConfig(2), 1);
    report.fidelity.pop_back();
    const LossModel losses(report, layeredConfig(2));
    EXPECT_FALSE(losses.hasSensitivities());
    EXPECT_EQ(losses.sensitivityOrigin({0, Module::QProj}), SensitivityOrigin::Assumed);
    EXPECT_GT(losses.sensitivity({0, Module::DownProj}), losses.sensitivity({0, Module::QProj}));
    EXPECT_FALSE(losses.isMeasured(Table::Embeddings, 8));
    EXPECT_TRUE(losses.isMeasured(Table::Embeddings, 16));
}

TEST(LossModel, BorrowsSettingsFromTheNearestLayer) {
    Report report = plausibleReport(layeredConfig(4), 1);
    auto& options = metric(report, "proxy").options;
    const Cell cell{3, Module::QProj};
    options.erase(cell);
    const LossModel losses(report, layeredConfig(4));
    EXPECT_EQ(losses.options(cell), (options[{2, Module::QProj}]));
    EXPECT_EQ(losses.error(cell, settingsOf(2, 64)).origin, ErrorOrigin::Interpolated);
}

TEST(LossModel, AnotherCodecThanTheMeasuredOneIsAGuess) {
    Report report = plausibleReport(layeredConfig(2), 1);
    const Cell cell{1, Module::QProj};
    metric(report, "proxy").settings[cell] = {"trellis", 2, 64};
    const LossModel losses(report, layeredConfig(2));
    CellSettings settings = settingsOf(2, 64);
    EXPECT_EQ(losses.error(cell, settings).origin, ErrorOrigin::Measured);
    settings.codec = "e8p";
    EXPECT_EQ(losses.error(cell, settings).origin, ErrorOrigin::Extrapolated);
}

TEST(LossModel, AddsUpAPlan) {
    const ModelConfig config = layeredConfig(3);
    const LossModel losses(plausibleReport(config, 2), config);
    Plan plan;
    plan.embeddingBits = 8;
    plan.headBits = 4;
    double sum = losses.tableLoss(Table::Embeddings, 8) + losses.tableLoss(Table::Head, 4);
    EXPECT_NEAR(sum, 1e-5 + 0.02, 1e-12);
    for (int layer = 0; layer < 3; ++layer) {
        for (const Module module : kModules) {
            sum += losses.cellLoss({layer, module}, plan.settingsOf({layer, module}));
        }
    }
    EXPECT_NEAR(losses.planLoss(plan, PlanCells(plan, config)), sum, 1e-12);
}

TEST(LossModel, RefusesWhatCannotBe) {
    const Report good = plausibleReport(layeredConfig(3), 1);
    const Cell cell{1, Module::UpProj};
    EXPECT_EQ(complaint(good, 4), "allocation.model");
    EXPECT_EQ(complaint(Report{{}, 3, {}, {}, {}}), "allocation.options");
    for (const double value : {kNaN, -0.1, std::numeric_limits<double>::infinity(), 1e300}) {
        Report bad = good;
        metric(bad, "proxy").options[cell].front().relativeError = value;
        EXPECT_EQ(complaint(bad), "allocation.measurement");
        bad = good;
        metric(bad, "kl").values[cell] = value;
        EXPECT_EQ(complaint(bad), "allocation.measurement");
        bad = good;
        metric(bad, "kl").errorLevels[cell] = value;
        EXPECT_EQ(complaint(bad), "allocation.measurement");
        bad = good;
        metric(bad, "kl").tables.front().value = value;
        EXPECT_EQ(complaint(bad), "allocation.measurement");
    }
    Report steep = good;
    metric(steep, "kl").errorLevels[cell] = 1e-300;
    EXPECT_EQ(complaint(steep), "allocation.measurement");
    Report empty = good;
    for (int layer = 0; layer < 3; ++layer) {
        metric(empty, "proxy").options[{layer, Module::UpProj}].clear();
    }
    const Complaint none = complaintOf([&] { LossModel(empty, layeredConfig(3)); });
    EXPECT_EQ(none.code, "allocation.options");
    EXPECT_THAT(none.sentence, HasSubstr("up_proj"));
}

TEST(LossModel, TakesErrorsAndDivergencesOfZero) {
    Report report = plausibleReport(layeredConfig(1), 1);
    const Cell cell{0, Module::UpProj};
    metric(report, "kl").values[cell] = 0;
    metric(report, "kl").errorLevels[{0, Module::QProj}] = 0;
    metric(report, "proxy").options[{0, Module::KProj}] = {{2, 0, 0}};
    const LossModel losses(report, layeredConfig(1));
    EXPECT_GE(losses.sensitivity(cell), 0);
    EXPECT_TRUE(std::isfinite(losses.sensitivity({0, Module::QProj})));
    EXPECT_GE(losses.cellLoss({0, Module::KProj}, settingsOf(2, 0)), 0);
}

} // namespace
} // namespace caldera
