#include "core/report/kept_reports.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/report/report.h"
#include "tests/support/code_of.h"
#include "tests/support/report_format.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

constexpr Cell kCell{0, Module::QProj};

class KeptReports : public testing::Test {
protected:
    void SetUp() override { setenv("XDG_STATE_HOME", folder_.path().c_str(), 1); }
    void TearDown() override { unsetenv("XDG_STATE_HOME"); }

    std::filesystem::path measured(const std::string& metric, double value,
                                   const std::string& fingerprint = "abc") const {
        Report report;
        report.layerCount = 1;
        report.run = {{"fingerprint", fingerprint}};
        report.fidelity = {{metric, "text", {{kCell, value}}}};
        const std::filesystem::path file = folder_ / (metric + ".h5");
        writeReport(report, file);
        return file;
    }
    static std::map<std::string, double> kept() {
        std::map<std::string, double> values;
        for (const FidelityMetric& metric : readReport(keptFidelity("abc")).fidelity) {
            values[metric.name] = metric.values.at(kCell);
        }
        return values;
    }

    const test::ScratchFolder folder_;
};

TEST_F(KeptReports, MeasurementsFromElsewhereJoinThoseOfTheModel) {
    keepFidelity(measured("kl", 1));
    keepFidelity(measured("proxy", 2));
    EXPECT_EQ(kept(), (std::map<std::string, double>{{"kl", 1}, {"proxy", 2}}));
    keepFidelity(measured("kl", 3));
    EXPECT_EQ(kept().at("kl"), 3) << "the later one";
}

TEST_F(KeptReports, ADamagedFileIsSetAside) {
    writeFileAtomically(keptFidelity("abc"), "no report");
    keepFidelity(measured("kl", 1));
    EXPECT_EQ(kept().at("kl"), 1);
    EXPECT_EQ(readTextFile(keptFidelity("abc").string() + ".damaged"), "no report");
}

TEST_F(KeptReports, AFileOfANewerProgramIsNeverWrittenOver) {
    keepFidelity(measured("kl", 1));
    test::setReportFormat(keptFidelity("abc"), "caldera-report/2");
    const std::string before = readTextFile(keptFidelity("abc"));
    try {
        keepFidelity(measured("proxy", 2));
        FAIL() << "it was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "report.newer");
        EXPECT_THAT(error.what(), testing::HasSubstr("proxy.h5")) << "where the new one is";
    }
    EXPECT_EQ(readTextFile(keptFidelity("abc")), before);
}

TEST_F(KeptReports, EvaluationsFromElsewhereJoinThoseOfTheArtifact) {
    const auto evaluated = [&](const std::string& text, double perplexity) {
        Report report;
        report.layerCount = 1;
        report.run = {{"fingerprint", "abc"}};
        report.evaluations = {{text, {{"perplexity", perplexity}}, {}}};
        writeReport(report, folder_ / "evaluation.h5");
        keepEvaluated(folder_ / "evaluation.h5");
        std::map<std::string, double> kept;
        for (const EvaluationRecord& record : readReport(keptEvaluations("abc")).evaluations) {
            kept[record.name] = record.numbers.at("perplexity");
        }
        return kept;
    };
    EXPECT_EQ(evaluated("prose", 8), (std::map<std::string, double>{{"prose", 8}}));
    EXPECT_EQ(evaluated("code", 3), (std::map<std::string, double>{{"prose", 8}, {"code", 3}}));
    EXPECT_EQ(evaluated("prose", 7).at("prose"), 7) << "the later one";
}

TEST_F(KeptReports, AReportOfNoModelIsNotKept) {
    EXPECT_EQ(test::codeOf([&] { keepFidelity(measured("kl", 1, "")); }), "report.model");
}

} // namespace
} // namespace caldera
