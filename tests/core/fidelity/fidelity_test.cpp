#include "core/fidelity/fidelity.h"

#include <algorithm>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/plan/rank_step.h"
#include "tests/core/fidelity/fidelity_fixture.h"

using namespace caldera;
using test::RecordingProgress;
using test::requestFor;
using test::run;
using testing::StartsWith;

TEST(Fidelity, EveryCellHasAValueAndItsSpectra) {
    const auto request = requestFor(test::tinyModel());
    RecordingProgress progress;
    const Report report = measureFidelity(request, progress, {});
    ASSERT_EQ(report.fidelity.size(), 1U);
    const FidelityMetric& metric = report.fidelity[0];
    EXPECT_EQ(metric.name, "proxy");
    EXPECT_FALSE(metric.description.empty());
    ASSERT_EQ(metric.values.size(), 14U);
    EXPECT_EQ(progress.cells.size(), 14U);
    EXPECT_EQ(progress.last, progress.whole);
    EXPECT_GT(progress.whole, 0);
    for (const auto& [cell, value] : metric.values) {
        // 2 bits round a Gaussian to an error of about 0.3.
        EXPECT_GT(value, 0.1) << cellName(cell);
        EXPECT_LT(value, 0.6) << cellName(cell);
        const CellReport& details = report.cells.at(cell);
        EXPECT_EQ(details.relativeError, value);
        EXPECT_EQ(details.settings, request.plan.settingsOf(cell));
        EXPECT_EQ(details.shape, request.model->config.shapeOf(cell.module));
        const auto rank = static_cast<size_t>(std::min(details.shape.rows, details.shape.columns));
        EXPECT_EQ(details.singularValues.size(), rank);
        EXPECT_EQ(details.hessianSingularValues.size(), rank);
        EXPECT_GT(details.singularValues.front(), details.singularValues.back());
        EXPECT_EQ(details.hessianDiagonal.size(), static_cast<size_t>(details.shape.columns));
    }
    const nlohmann::json& first = progress.cells.front();
    EXPECT_EQ(first.at("layer"), 0);
    EXPECT_EQ(first.at("module"), "q_proj");
    EXPECT_EQ(first.at("metric"), "proxy");
    EXPECT_EQ(first.at("reused"), false);
    EXPECT_EQ(first.at("value"), metric.values.at({0, Module::QProj}));
}

TEST(Fidelity, MeasuresTheOptionsThatFitAndThePlansOwn) {
    auto request = requestFor(test::tinyModel());
    request.options = {{2, 0}, {4, 0}, {4, 16}, {2, 4096}};
    request.plan.defaults.bits = 3;
    request.plan.defaults.rank = 16;
    const FidelityMetric metric = run(request).fidelity[0];
    for (const Cell cell : {Cell{0, Module::KProj}, Cell{1, Module::DownProj}}) {
        const std::vector<FidelityOption>& options = metric.options.at(cell);
        ASSERT_EQ(options.size(), 4U);
        EXPECT_EQ(options[0].bits, 2);
        EXPECT_EQ(options[1].bits, 3);
        EXPECT_EQ(options[1].rank, 16);
        EXPECT_EQ(options[1].relativeError, metric.values.at(cell));
        EXPECT_GT(options[0].relativeError, options[1].relativeError);
        EXPECT_GT(options[2].relativeError, options[3].relativeError);
    }
}

TEST(Fidelity, TheSizeOfAWeightDoesNotMatterButItsOutliersDo) {
    const Cell cell{1, Module::DownProj};
    auto model = test::tinyModel();
    const double plain = run(requestFor(model)).fidelity[0].values.at(cell);

    auto scaled = test::tinyWeights(model->config, 1);
    for (float& value : scaled->values(cellName(cell) + ".weight")) {
        value *= 8;
    }
    model->weights = scaled;
    EXPECT_NEAR(run(requestFor(model)).fidelity[0].values.at(cell), plain, 1e-3);

    auto uneven = test::tinyWeights(model->config, 1);
    auto& weight = uneven->values(cellName(cell) + ".weight");
    for (size_t row = 0; row < 32; row += 16) { // one large row in each group of 16
        for (size_t column = 0; column < 48; ++column) {
            weight[row * 48 + column] *= 8;
        }
    }
    model->weights = uneven;
    auto request = requestFor(model);
    request.plan.defaults.transform = "none";
    EXPECT_GT(run(request).fidelity[0].values.at(cell), 1.2 * plain);
}

TEST(Fidelity, SkippedCellsAreMeasuredAndLeaveTheirGroupItsBasis) {
    auto request = requestFor(test::tinyModel());
    const Cell other{0, Module::KProj};
    const double expected = run(request).fidelity[0].values.at(other);
    CellOverride skipped;
    skipped.skip = true;
    skipped.transform = "none";
    request.plan.layerOverrides.emplace_back(cellName({0, Module::QProj}), skipped);
    const Report report = run(request);
    EXPECT_EQ(report.fidelity[0].values.at(other), expected);
    const CellReport& measured = report.cells.at({0, Module::QProj});
    EXPECT_FALSE(measured.settings.skip);
    EXPECT_LT(measured.bitsPerWeight, 4);
    EXPECT_GT(measured.relativeError, 0.1);
}

TEST(Fidelity, SkippedCellsNeedNotFitTheirRankButNeedACodec) {
    auto request = requestFor(test::tinyModel());
    const Cell cell{0, Module::KProj};
    const MatrixShape shape = request.model->config.shapeOf(cell.module);
    CellOverride skipped;
    skipped.skip = true;
    skipped.rank = 4096;
    request.plan.patternOverrides.emplace_back("*.k_proj", skipped);
    EXPECT_EQ(run(request).cells.at(cell).settings.rank, largestRank(shape));
    request.plan.patternOverrides.back().second.bits = 5;
    try {
        run(request);
        ADD_FAILURE() << "there is no codec of five bits";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "plan.codec");
        EXPECT_THAT(error.what(), testing::HasSubstr(cellName(cell)));
    }
}

TEST(Fidelity, NamesLayerAndInputGroupOrCellOfWhatCannotBeMeasured) {
    const auto complaintAbout = [](const std::string& tensor, float value) {
        auto model = test::tinyModel();
        auto weights = test::tinyWeights(model->config, 1);
        weights->values(tensor)[0] = value;
        model->weights = weights;
        try {
            run(requestFor(model));
        } catch (const Error& error) {
            return error.code() + " " + error.what();
        }
        return std::string();
    };
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::string place = "model.layers.1.";
    EXPECT_THAT(complaintAbout(place + "input_layernorm.weight", nan),
                StartsWith("decompose.not-finite " + place + "qkv: The Hessian"));
    EXPECT_THAT(complaintAbout(place + "mlp.down_proj.weight", nan),
                StartsWith("decompose.not-finite " + place + "mlp.down_proj: The weight"));
    EXPECT_THAT(complaintAbout(place + "mlp.down_proj.weight", 1e30F),
                StartsWith("decompose.range " + place + "mlp.down_proj: "));
}

TEST(Fidelity, GivesTheSameValuesAgain) {
    const auto request = requestFor(test::tinyModel(4));
    EXPECT_EQ(run(request).fidelity[0].values, run(request).fidelity[0].values);
}

TEST(Fidelity, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(measureFidelity(requestFor(test::tinyModel()), noProgress(), source.get_token()),
                 Cancelled);
}

TEST(Fidelity, AnUnknownDeviceIsNamed) {
    auto request = requestFor(test::tinyModel());
    request.device = "abacus";
    try {
        run(request);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "device.unknown");
    }
}
