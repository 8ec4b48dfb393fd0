// The report that comes with the demo model says what measuring finds.
#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/paths.h"
#include "core/fidelity/fidelity.h"
#include "core/model/model.h"
#include "core/report/report_subject.h"
#include "core/report/value_interval.h"

namespace caldera {
namespace {

class DemoReport : public testing::Test {
protected:
    const FidelityMetric& metric(const std::string& name) const {
        return *std::find_if(report_.fidelity.begin(), report_.fidelity.end(),
                             [&](const FidelityMetric& found) { return found.name == name; });
    }

    const std::filesystem::path folder_ = resourcesFolder() / "demo-model";
    const std::shared_ptr<const Model> model_ = openModel(folder_);
    const Plan plan_ = defaultPlan(folder_, model_->config);
    const Report report_ = readReport(folder_ / "fidelity.h5");
};

/// Takes the first layer's values, and stops there.
class FirstLayer : public Progress {
public:
    void stage(const std::string&) override {}
    void advance(int64_t, int64_t) override {}
    void event(const std::string& kind, nlohmann::json fields) override {
        if (kind == "cell") {
            const auto module = parseModule(fields.at("module").get<std::string>());
            values[{fields.at("layer"), module.value()}] = fields.at("value");
            stop.request_stop();
        }
    }
    std::map<Cell, double> values;
    std::stop_source stop;
};

TEST_F(DemoReport, IsOfThisModelAndItsDefaultPlan) {
    EXPECT_NO_THROW(requireMeasuredOn(
        {model_->name, model_->fingerprint, model_->config.layerCount}, report_, "fidelity.h5"));
    EXPECT_EQ(fingerprintOf(report_), model_->fingerprint);
    ASSERT_EQ(report_.cells.size(), static_cast<size_t>(model_->config.cellCount()));
    for (const auto& [cell, measured] : report_.cells) {
        EXPECT_EQ(measured.settings, plan_.settingsOf(cell)) << cellName(cell);
        EXPECT_FALSE(measured.hessianSingularValues.empty()) << cellName(cell);
    }
}

TEST_F(DemoReport, HasEveryMetricOfEveryCell) {
    ASSERT_EQ(report_.fidelity.size(), 4U);
    for (const FidelityMetric& found : report_.fidelity) {
        EXPECT_EQ(found.values.size(), report_.cells.size()) << found.name;
    }
    EXPECT_EQ(metric("kl").errorLevels, metric("proxy").values);
    EXPECT_EQ(metric("kl").details.at(kStandardError).size(), report_.cells.size());
    for (const auto& [cell, value] : metric("sipit").values) {
        EXPECT_TRUE(valueInterval(metric("sipit"), cell)) << cellName(cell);
        EXPECT_TRUE(intervalOf(metric("sipit"), kRecovery, cell)) << cellName(cell);
        EXPECT_TRUE(intervalOf(metric("sipit"), kMargin, cell)) << cellName(cell);
    }
    for (const auto& [cell, options] : metric("proxy").options) {
        EXPECT_GE(options.size(), 10U) << cellName(cell);
    }
}

TEST_F(DemoReport, SaysWhatMeasuringFinds) {
    FidelityRequest request;
    request.model = model_;
    request.plan = plan_;
    FirstLayer first;
    EXPECT_THROW(measureFidelity(request, first, first.stop.get_token()), Cancelled);
    EXPECT_EQ(first.values.size(), kModules.size());
    for (const auto& [cell, value] : first.values) {
        EXPECT_NEAR(metric("proxy").values.at(cell), value, 0.02 * value) << cellName(cell);
    }
}

} // namespace
} // namespace caldera
