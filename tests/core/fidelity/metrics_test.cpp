// All metrics in one pass, and passes that were broken off.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/compress/work_folder.h"
#include "core/evaluate/evaluate.h"
#include "core/fidelity/rounded_table.h"
#include "core/job/job_folder.h"
#include "core/report/value_interval.h"
#include "tests/core/fidelity/fidelity_fixture.h"
#include "tests/support/same_fidelity.h"

using namespace caldera;
using test::expectSameFidelity;
using test::RecordingProgress;
using test::requestFor;
using test::run;

namespace {

FidelityRequest requestForAll(std::shared_ptr<Model> model) {
    FidelityRequest request = requestFor(std::move(model));
    request.metrics = {Metric::Proxy, Metric::Kl, Metric::SipIt, Metric::Lens};
    return request;
}

const FidelityMetric& metricOf(const Report& report, const std::string& name) {
    return *std::find_if(report.fidelity.begin(), report.fidelity.end(),
                         [&](const FidelityMetric& metric) { return metric.name == name; });
}

/// Stops when so many values were told.
class StoppingProgress : public Progress {
public:
    StoppingProgress(std::stop_source source, int cells) : source_(source), left_(cells) {}
    void stage(const std::string&) override {}
    void advance(int64_t, int64_t) override {}
    void event(const std::string& kind, nlohmann::json fields) override {
        if (kind != "cell") {
            return;
        }
        reused += fields.at("reused").get<bool>() ? 1 : 0;
        if (--left_ == 0) {
            source_.request_stop();
        }
    }
    int reused = 0;

private:
    std::stop_source source_;
    int left_;
};

ModelConfig fourLayers() {
    ModelConfig config = test::tinyConfig();
    config.layerCount = 4;
    return config;
}

} // namespace

TEST(Fidelity, EveryMetricComesOutOfOnePass) {
    const auto request = requestForAll(test::tinyModel());
    const Report report = measureFidelity(request, noProgress(), {});
    ASSERT_EQ(report.fidelity.size(), 4U);
    const FidelityMetric& kl = metricOf(report, "kl");
    const FidelityMetric& sipit = metricOf(report, "sipit");
    const FidelityMetric& lens = metricOf(report, "lens");
    for (const FidelityMetric* metric : {&kl, &sipit, &lens}) {
        EXPECT_EQ(metric->values.size(), 14U) << metric->name;
        EXPECT_FALSE(metric->description.empty());
    }
    EXPECT_EQ(kl.errorLevels, metricOf(report, "proxy").values);
    EXPECT_EQ(sipit.errorLevels, kl.errorLevels);
    for (const auto& [cell, value] : kl.values) {
        EXPECT_GT(value, 1e-5) << cellName(cell);
        EXPECT_LT(value, 10) << cellName(cell);
        const double error = kl.details.at(kStandardError).at(cell);
        EXPECT_GT(error, 0) << cellName(cell);
        EXPECT_LT(error, value) << cellName(cell);
    }
    for (const auto& [cell, value] : sipit.values) {
        const Interval ratio = valueInterval(sipit, cell).value();
        EXPECT_LT(ratio.low, value);
        EXPECT_GT(ratio.high, value);
        for (const char* name : {kRecovery, kMargin}) {
            const double mean = detailOf(sipit, name, cell).value();
            const Interval interval = intervalOf(sipit, name, cell).value();
            EXPECT_LE(interval.low, mean) << name;
            EXPECT_GE(interval.high, mean) << name;
            EXPECT_LE(interval.high, 1) << name;
        }
        EXPECT_GE(intervalOf(sipit, kRecovery, cell)->low, 0);
    }
    for (int layer = 0; layer < 2; ++layer) {
        const auto at = static_cast<size_t>(layer);
        EXPECT_GT(sipit.layers.at("isolated_rho")[at], sipit.values.at({layer, Module::KProj}))
            << "errors in all modules disturb more than in one";
        EXPECT_LE(sipit.layers.at("isolated_recovery_low")[at],
                  sipit.layers.at("isolated_recovery")[at]);
        EXPECT_DOUBLE_EQ(lens.values.at({layer, Module::QProj}),
                         1 - lens.layers.at("fidelity")[at]);
    }
    EXPECT_NEAR(sipit.layers.at("cumulative_rho")[0], sipit.layers.at("isolated_rho")[0], 1e-4)
        << "before layer 0 nothing is disturbed";
    EXPECT_GT(sipit.layers.at("cumulative_rho")[1], sipit.layers.at("isolated_rho")[1]);
}

TEST(Fidelity, StatesThatAreNoNumbersAreNamed) {
    auto model = test::tinyModel();
    auto weights = test::tinyWeights(model->config, 1);
    weights->values("model.layers.1.mlp.down_proj.weight")[5] =
        std::numeric_limits<float>::infinity();
    model->weights = weights;
    auto request = requestFor(model);
    request.metrics = {Metric::Lens};
    try {
        run(request);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "fidelity.not-finite");
        EXPECT_THAT(error.what(), testing::HasSubstr("after layer 1"));
    }
}

TEST(Fidelity, DivergenceBlamesAModelWhosePredictionsAreNoNumbers) {
    const std::map<std::string, std::string> places = {
        {"model.layers.1.mlp.down_proj.weight", "The states of the text after layer 1 hold NaN"},
        {"model.norm.weight", "The model's own predictions"},
        {"lm_head.weight", "The model's own predictions"}};
    for (const auto& [name, place] : places) {
        ModelConfig config = test::tinyConfig();
        config.tiedEmbeddings = false;
        auto model = test::tinyModel(1, config);
        auto weights = test::tinyWeights(config, 1);
        weights->values(name)[5] = std::numeric_limits<float>::quiet_NaN();
        model->weights = weights;
        auto request = requestFor(model);
        request.metrics = {Metric::Kl};
        try {
            run(request);
            ADD_FAILURE() << name;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), "fidelity.not-finite");
            EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr(place),
                                                     testing::HasSubstr("file is damaged")));
        }
    }
}

TEST(Fidelity, DivergenceGrowsWithTheSquareOfTheError) {
    auto request = requestFor(test::tinyModel());
    request.metrics = {Metric::Kl};
    request.plan.defaults.rank = 0;
    request.plan.defaults.bits = 3;
    const FidelityMetric rough = run(request).fidelity[0];
    request.plan.defaults.bits = 4;
    const FidelityMetric fine = run(request).fidelity[0];
    for (const auto& [cell, value] : rough.values) {
        const auto sensitivity = [&](const FidelityMetric& metric) {
            return metric.values.at(cell) / std::pow(metric.errorLevels.at(cell), 2);
        };
        EXPECT_LT(fine.values.at(cell), value);
        EXPECT_NEAR(sensitivity(fine) / sensitivity(rough), 1, 0.25) << cellName(cell);
    }
}

/// What evaluation finds for a model whose tables were rounded on disk.
TEST(Fidelity, DivergenceOfRoundedTablesIsThatOfEvaluation) {
    for (const bool isTied : {false, true}) {
        ModelConfig config = test::tinyConfig();
        config.tiedEmbeddings = isTied;
        auto request = requestFor(test::tinyModel(1, config));
        request.metrics = {Metric::Kl};
        const FidelityMetric metric = run(request).fidelity[0];
        ASSERT_EQ(metric.tables.size(), isTied ? 2U : 4U);
        for (const TableCost& cost : metric.tables) {
            auto rounded = test::tinyModel(1, config);
            auto weights = test::tinyWeights(config, 1);
            auto& table = weights->values(cost.table == kHeadTable ? "lm_head.weight"
                                                                   : "model.embed_tokens.weight");
            const torch::Tensor values =
                roundedRows(at::tensor(table, at::kFloat).view({-1, 32}), cost.bits);
            std::copy_n(values.data_ptr<float>(), table.size(), table.begin());
            rounded->weights = weights;
            EvaluateRequest judge;
            judge.subject = modelWeights(rounded);
            judge.reference = modelWeights(request.model);
            judge.tokenizer = request.model->tokenizer;
            judge.text = request.heldOut.text.substr(0, 320);
            judge.contextLength = 32;
            const double expected = evaluate(judge, noProgress(), {}).klMean;
            // Evaluation leaves out what follows the last token of each window.
            EXPECT_NEAR(cost.value / expected, 1, 0.1) << cost.table << " " << cost.bits;
        }
    }
}

TEST(Fidelity, GoesOnWhereItWasStoppedAndGivesTheSame) {
    auto request = requestForAll(test::tinyModel(3, fourLayers()));
    const Report whole = measureFidelity(request, noProgress(), {});
    request.work = std::filesystem::path(testing::TempDir()) / newJobId();
    int reused = 0;
    for (int round = 0; round < 3; ++round) { // one more layer each
        std::stop_source source;
        StoppingProgress progress(source, 4 * 7 * (round + 1));
        EXPECT_THROW(measureFidelity(request, progress, source.get_token()), Cancelled);
        EXPECT_EQ(progress.reused, 4 * 7 * round);
        reused = progress.reused;
    }
    EXPECT_GT(reused, 0);
    const Report resumed = measureFidelity(request, noProgress(), {});
    expectSameFidelity(whole, resumed);
    removeWorkFiles(request.work);
    EXPECT_FALSE(std::filesystem::exists(request.work));
}

TEST(Fidelity, LostStatesAndDamagedLayersAreWorkedOutAgain) {
    auto request = requestForAll(test::tinyModel(3, fourLayers()));
    const Report whole = measureFidelity(request, noProgress(), {});
    request.work = std::filesystem::path(testing::TempDir()) / newJobId();
    measureFidelity(request, noProgress(), {});
    std::filesystem::remove_all(hiddenFolder(request.work));
    writeFileAtomically(cellsFolder(request.work) / "layers-2-3.h5", "nothing of use");
    expectSameFidelity(whole, measureFidelity(request, noProgress(), {}));
    request.plan.defaults.bits = 3; // another measurement takes nothing over
    RecordingProgress progress;
    measureFidelity(request, progress, {});
    for (const nlohmann::json& cell : progress.cells) {
        EXPECT_EQ(cell.at("reused"), false);
    }
    removeWorkFiles(request.work);
}
