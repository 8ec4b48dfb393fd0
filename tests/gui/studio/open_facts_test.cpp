// Which reports belong to what is opened.
#include "widgets/models/open_facts.h"

#include <filesystem>

#include "core/base/file.h"
#include "core/base/paths.h"
#include "tests/gui/studio/studio_fixture.h"
#include "tests/support/report_format.h"
#include "widgets/support/error_banner.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr Cell kCell{0, Module::QProj};

class OpenFactsTest : public StudioFixture {
protected:
    OpenFactsTest() {
        std::filesystem::copy(resourcesFolder() / "demo-model", folder_.toStdString(),
                              std::filesystem::copy_options::recursive);
        std::filesystem::remove(kept());
    }
    ~OpenFactsTest() override { std::filesystem::remove(kept()); }

    std::string cameWith() const { return (folder_ + u"/fidelity.h5"_s).toStdString(); }
    static std::string kept() {
        const Report demo = readReport(resourcesFolder() / "demo-model/fidelity.h5");
        return fidelityFile(QString::fromStdString(demo.run.at("fingerprint"))).toStdString();
    }
    OpenResult opened() const { return openAnything(folder_); }
    static double valueOf(const OpenResult& result, const std::string& name) {
        for (const FidelityMetric& metric : result.fidelity->fidelity) {
            if (metric.name == name) {
                return metric.values.at(kCell);
            }
        }
        return -1;
    }

    const QString folder_ = root_.filePath(u"model"_s);
};

TEST_F(OpenFactsTest, WhatWasMeasuredHereCountsBeforeWhatCameWithTheModel) {
    ASSERT_TRUE(opened().fidelity != nullptr);
    const double divergence = valueOf(opened(), "kl");
    Report here = readReport(cameWith());
    std::erase_if(here.fidelity,
                  [](const FidelityMetric& metric) { return metric.name != "proxy"; });
    here.fidelity.front().values[kCell] = 0.75;
    writeReport(here, kept());
    EXPECT_EQ(valueOf(opened(), "proxy"), 0.75);
    EXPECT_EQ(valueOf(opened(), "kl"), divergence) << "the others are kept";
    EXPECT_TRUE(opened().unread.empty());
}

TEST_F(OpenFactsTest, ADamagedReportIsToldAndLeftOut) {
    const std::string whole = readTextFile(cameWith());
    writeFileAtomically(cameWith(), whole.substr(0, whole.size() / 2));
    const OpenResult result = opened();
    ASSERT_TRUE(result.facts != nullptr);
    EXPECT_TRUE(result.fidelity == nullptr);
    ASSERT_EQ(result.unread.size(), 1U);
    window().openPath(folder_);
    ASSERT_TRUE(settled());
    ASSERT_TRUE(window().session().facts() != nullptr);
    EXPECT_TRUE(window().planView()->banner()->sentence().contains(u"fidelity.h5"_s));
}

TEST_F(OpenFactsTest, ADamagedReportOfOursMakesWayForTheNext) {
    writeFileAtomically(kept(), "half of a report");
    ASSERT_EQ(opened().unread.size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(kept()));
    EXPECT_TRUE(std::filesystem::remove(kept() + ".damaged"));
    EXPECT_TRUE(opened().unread.empty());
    EXPECT_TRUE(opened().fidelity != nullptr) << "what came with the model";
}

TEST_F(OpenFactsTest, AReportOfOursByANewerStudioStaysAsItIs) {
    std::filesystem::copy_file(cameWith(), kept());
    test::setReportFormat(kept(), "caldera-report/9");
    const OpenResult result = opened();
    ASSERT_EQ(result.unread.size(), 1U);
    EXPECT_EQ(result.unread.front().code, u"report.newer"_s);
    EXPECT_TRUE(std::filesystem::exists(kept()));
}

TEST_F(OpenFactsTest, AReportOfAnotherModelIsToldAndLeftOut) {
    Report other = readReport(cameWith());
    other.run["fingerprint"] = "another";
    writeReport(other, cameWith());
    const OpenResult result = opened();
    EXPECT_TRUE(result.fidelity == nullptr);
    ASSERT_EQ(result.unread.size(), 1U);
    EXPECT_EQ(result.unread.front().code, u"report.model"_s);
}

TEST_F(OpenFactsTest, MetricsOfTheSameModelAddUp) {
    openDemo();
    Report more = readReport(cameWith());
    std::erase_if(more.fidelity, [](const FidelityMetric& metric) { return metric.name != "kl"; });
    more.fidelity.front().values[kCell] = 0.5;
    const QString file = root_.filePath(u"more.h5"_s);
    writeReport(more, file.toStdString());
    window().openReport(file);
    ASSERT_TRUE(settled());
    const Session& session = window().session();
    EXPECT_EQ(session.metric(u"kl"_s)->values.at(kCell), 0.5);
    EXPECT_NE(session.metric(u"proxy"_s), nullptr);
}

} // namespace
} // namespace caldera::studio
