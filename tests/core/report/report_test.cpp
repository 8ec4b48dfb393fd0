#include "core/report/report.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "tests/support/complaint.h"
#include "tests/support/full_disk.h"
#include "tests/support/report_format.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using test::setReportFormat;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportTest : public testing::Test {
protected:
    void SetUp() override {
        path_ = fs::path(testing::TempDir()) / ("report-" + newJobId() + ".h5");
    }
    void TearDown() override { fs::remove(path_); }

    std::string codeOf() const {
        try {
            readReport(path_);
        } catch (const Error& e) {
            return e.code();
        }
        return "(none)";
    }

    fs::path path_;
};

CellReport sampleCell(int seed, size_t rows, size_t columns) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::uniform_real_distribution<float> uniform(0, 1);
    const auto curve = [&](size_t size) {
        std::vector<float> values(size);
        for (float& value : values) {
            value = uniform(random);
        }
        return values;
    };
    CellReport report;
    report.settings.rank = 32;
    report.settings.seed = 18446744073709551615U;
    report.settings.locked = true;
    report.settings.codec = "e8p";
    report.shape = {static_cast<int64_t>(rows), static_cast<int64_t>(columns)};
    report.relativeError = 0.1 + seed;
    report.proxyError = 0.01;
    report.dampingUsed = 0.02;
    report.seconds = 1.5;
    report.bytes = 1234567890123;
    report.bitsPerWeight = 2.125;
    report.history = {{0, "LR", 0.5}, {0, "Q", 0.25}, {1, "LR", 0.125}};
    report.singularValues = curve(256);
    report.hessianSingularValues = curve(256);
    report.residualSingularValues = curve(256);
    report.tailEnergy = 0.3;
    report.hessianTailEnergy = 0.4;
    report.residualTailEnergy = 0.5;
    report.rowError = curve(rows);
    report.columnError = curve(columns);
    report.hessianDiagonal = {};
    return report;
}

Report sampleReport() {
    Report report;
    report.run = {{"model", "tiny modèle"}, {"command", ""}, {"device", "cpu"}};
    report.layerCount = 12;
    report.cells[{0, Module::QProj}] = sampleCell(1, 30, 40);
    report.cells[{11, Module::DownProj}] = sampleCell(2, 30, 40);
    report.fidelity = {{"proxy", "higher is more fragile", {{{2, Module::UpProj}, 0.5}}}};
    report.evaluations = {{"wikitext2",
                           {{"perplexity", 12.5}, {"tokens", 1e6}},
                           {{"text", "t"}},
                           {{"hidden_error", {0.1, 0.25}}}},
                          {"empty", {}, {}}};
    return report;
}

void expectEqual(const CellReport& a, const CellReport& b) {
    EXPECT_EQ(a.settings, b.settings);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_EQ(a.relativeError, b.relativeError);
    EXPECT_EQ(a.proxyError, b.proxyError);
    EXPECT_EQ(a.dampingUsed, b.dampingUsed);
    EXPECT_EQ(a.seconds, b.seconds);
    EXPECT_EQ(a.bytes, b.bytes);
    EXPECT_EQ(a.bitsPerWeight, b.bitsPerWeight);
    EXPECT_EQ(a.singularValues, b.singularValues);
    EXPECT_EQ(a.hessianSingularValues, b.hessianSingularValues);
    EXPECT_EQ(a.residualSingularValues, b.residualSingularValues);
    EXPECT_EQ(a.tailEnergy, b.tailEnergy);
    EXPECT_EQ(a.hessianTailEnergy, b.hessianTailEnergy);
    EXPECT_EQ(a.residualTailEnergy, b.residualTailEnergy);
    EXPECT_EQ(a.rowError, b.rowError);
    EXPECT_EQ(a.columnError, b.columnError);
    EXPECT_EQ(a.hessianDiagonal, b.hessianDiagonal);
    ASSERT_EQ(a.history.size(), b.history.size());
    for (size_t i = 0; i < a.history.size(); ++i) {
        EXPECT_EQ(a.history[i].iteration, b.history[i].iteration);
        EXPECT_EQ(a.history[i].step, b.history[i].step);
        EXPECT_EQ(a.history[i].relativeError, b.history[i].relativeError);
    }
}

TEST_F(ReportTest, RoundTrips) {
    const Report report = sampleReport();
    writeReport(report, path_);
    const Report read = readReport(path_);
    EXPECT_EQ(read.run, report.run);
    EXPECT_EQ(read.layerCount, 12);
    ASSERT_EQ(read.cells.size(), 2U);
    expectEqual(read.cells.at({0, Module::QProj}), report.cells.at({0, Module::QProj}));
    expectEqual(read.cells.at({11, Module::DownProj}), report.cells.at({11, Module::DownProj}));
    ASSERT_EQ(read.fidelity.size(), 1U);
    EXPECT_EQ(read.fidelity[0].description, "higher is more fragile");
    EXPECT_EQ(read.fidelity[0].values, report.fidelity[0].values);
    ASSERT_EQ(read.evaluations.size(), 2U);
    EXPECT_EQ(read.evaluations[0].name, "empty");
    EXPECT_EQ(read.evaluations[1].numbers, report.evaluations[0].numbers);
    EXPECT_EQ(read.evaluations[1].facts, report.evaluations[0].facts);
    EXPECT_EQ(read.evaluations[1].layers, report.evaluations[0].layers);
}

TEST_F(ReportTest, AnEmptyReportIsWhole) {
    writeReport(Report{}, path_);
    EXPECT_TRUE(readReport(path_).cells.empty());
}

TEST_F(ReportTest, SaysWhatTheSystemSaidOfAFullDiskAndLeavesNothing) {
    const test::FullDisk full(4096);
    try {
        writeReport(sampleReport(), path_);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "file.write");
        EXPECT_THAT(error.what(), HasSubstr(path_.string() + ": File too large."));
    }
    for (const auto& entry : fs::directory_iterator(path_.parent_path())) {
        EXPECT_THAT(entry.path().string(), Not(HasSubstr(path_.string()))) << "half a file";
    }
}

TEST_F(ReportTest, HoldsALargeModelQuickly) {
    Report report;
    report.layerCount = 80;
    for (int layer = 0; layer < 80; ++layer) {
        for (const Module module : kModules) {
            report.cells[{layer, module}] = sampleCell(layer, 4096, 4096);
        }
    }
    const auto begin = std::chrono::steady_clock::now();
    writeReport(report, path_);
    const auto middle = std::chrono::steady_clock::now();
    EXPECT_EQ(readReport(path_).cells.size(), 560U);
    const auto end = std::chrono::steady_clock::now();
    RecordProperty("write_ms", std::to_string((middle - begin) / std::chrono::milliseconds(1)));
    RecordProperty("read_ms", std::to_string((end - middle) / std::chrono::milliseconds(1)));
    EXPECT_LT(end - begin, std::chrono::seconds(60)); // far above, so that a busy machine passes
}

TEST_F(ReportTest, TellsDamageFromAbsence) {
    EXPECT_EQ(codeOf(), "report.missing");
    std::ofstream(path_) << "garbage that is no HDF5 file at all";
    EXPECT_EQ(codeOf(), "report.corrupt");
    EXPECT_THAT(complaintOf([&] { readReport(path_); }).sentence, HasSubstr("is no report"));
    std::ofstream(path_, std::ios::trunc).flush();
    EXPECT_EQ(codeOf(), "report.corrupt");
    writeReport(sampleReport(), path_);
    const std::string whole = readTextFile(path_);
    for (size_t size = 0; size < whole.size(); size += whole.size() / 50) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
        EXPECT_EQ(codeOf(), "report.corrupt") << size;
    }
}

TEST_F(ReportTest, RefusesWhatWouldFillTheMemory) {
    writeReport(sampleReport(), path_);
    std::filesystem::resize_file(path_, uintmax_t{1} << 40);
    EXPECT_EQ(codeOf(), "report.too-large");
}

TEST_F(ReportTest, ALoopOfLinksIsNoMissingFile) {
    std::filesystem::create_symlink(path_.filename(), path_);
    EXPECT_EQ(codeOf(), "file.open");
}

TEST_F(ReportTest, SurvivesFlippedBytes) {
    writeReport(sampleReport(), path_);
    const std::string whole = readTextFile(path_);
    std::mt19937 random(3);
    for (int i = 0; i < 200; ++i) {
        std::string damaged = whole;
        damaged[random() % damaged.size()] ^= static_cast<char>(1 << (random() % 8));
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << damaged;
        const std::string code = codeOf(); // a curve's own bytes have no checksum
        EXPECT_THAT(code, testing::AnyOf("(none)", testing::StartsWith("report."))) << i;
    }
}

TEST_F(ReportTest, RefusesNewerAndForeignFiles) {
    writeReport(sampleReport(), path_);
    setReportFormat(path_, "caldera-report/2");
    EXPECT_EQ(codeOf(), "report.newer");
    setReportFormat(path_, "other/1");
    EXPECT_EQ(codeOf(), "report.format");
    setReportFormat(path_, std::nullopt);
    EXPECT_EQ(codeOf(), "report.format");
    writeReport(sampleReport(), path_);
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "fidelity", H5P_DEFAULT);
    H5Fclose(file);
    EXPECT_EQ(codeOf(), "report.missing-group");
}

TEST_F(ReportTest, RefusesNamesThatWouldBeGroupsAndLayersItLacks) {
    Report report = sampleReport();
    report.evaluations[0].name = "a/b";
    EXPECT_THROW(writeReport(report, path_), Error);
    report = sampleReport();
    report.fidelity[0].values[{12, Module::QProj}] = 1;
    EXPECT_THROW(writeReport(report, path_), Error);
    EXPECT_FALSE(fs::exists(path_));
}

TEST_F(ReportTest, RefusesSizesThatNoModelHas) {
    const auto codeAfter = [&](const std::function<void(Report&)>& change) {
        Report report = sampleReport();
        change(report);
        writeReport(report, path_);
        return codeOf();
    };
    const Cell last{11, Module::DownProj};
    EXPECT_EQ(codeAfter([](Report&) {}), "(none)");
    EXPECT_EQ(codeAfter([](Report& report) {
                  report.fidelity.clear();
                  report.layerCount = 2'000'000'000;
              }),
              "report.corrupt");
    EXPECT_EQ(codeAfter([](Report& report) { report.layerCount = 11; }), "report.corrupt");
    EXPECT_EQ(codeAfter([&](Report& report) { report.cells[last].shape.rows = -1; }),
              "report.corrupt");
    EXPECT_EQ(codeAfter([&](Report& report) { report.cells[last].shape.columns = 1LL << 40; }),
              "report.corrupt");
    EXPECT_EQ(codeAfter([&](Report& report) { report.cells[last].settings.rank = -16; }),
              "report.corrupt");
    EXPECT_EQ(codeAfter([&](Report& report) { report.cells[last].bytes = -1; }), "report.corrupt");
}

TEST_F(ReportTest, ManyThreadsMayUseIt) {
    const Report report = sampleReport();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            const fs::path mine = path_.string() + std::to_string(i);
            for (int round = 0; round < 5; ++round) {
                writeReport(report, mine);
                EXPECT_EQ(readReport(mine).cells.size(), 2U);
            }
            fs::remove(mine);
        });
    }
}

} // namespace
} // namespace caldera
