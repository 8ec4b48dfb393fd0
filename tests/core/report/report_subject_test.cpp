#include "core/report/report_subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/code_of.h"

namespace caldera {
namespace {

using ::testing::HasSubstr;

const ReportSubject kModel{"demo", "abc", 8};

Report reportOn(const std::string& fingerprint, int layers) {
    Report report;
    report.layerCount = layers;
    report.run = {{"model", "smol"}};
    if (!fingerprint.empty()) {
        report.run["fingerprint"] = fingerprint;
    }
    return report;
}

std::string codeOf(const Report& report) {
    return test::codeOf([&] { requireMeasuredOn(kModel, report, "f.h5"); });
}

TEST(ReportSubject, TakesReportsOfTheModelOnly) {
    EXPECT_EQ(codeOf(reportOn("abc", 8)), "");
    EXPECT_EQ(codeOf(reportOn("", 8)), "") << "older reports do not say";
    EXPECT_EQ(codeOf(reportOn("abd", 8)), "report.model");
    EXPECT_EQ(codeOf(reportOn("abc", 9)), "report.model");
    EXPECT_EQ(codeOf(reportOn("", 30)), "report.model");
}

TEST(ReportSubject, SaysWhatCameAndWhatWasNeeded) {
    try {
        requireMeasuredOn(kModel, reportOn("abd", 30), "f.h5");
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("f.h5"));
        EXPECT_THAT(error.what(), HasSubstr("smol (30 layers)"));
        EXPECT_THAT(error.what(), HasSubstr("demo (8 layers)"));
    }
}

TEST(ReportSubject, SaysThatTheWeightsOfANamesakeDiffer) {
    Report report = reportOn("abd", 8);
    report.run["model"] = kModel.name;
    try {
        requireMeasuredOn(kModel, report, "f.h5");
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("f.h5 was measured on other weights, those of demo "
                                            "(8 layers) abd, than demo (8 layers) abc. "));
    }
}

} // namespace
} // namespace caldera
