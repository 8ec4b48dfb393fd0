#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "core/base/error.h"
#include "core/job/job_folder.h"
#include "core/report/hdf5_handle.h"
#include "core/report/report.h"
#include "tests/support/code_of.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using test::codeOf;
using ::testing::HasSubstr;

constexpr Cell kUp{1, Module::UpProj};
constexpr Cell kQuery{0, Module::QProj};

class FidelityGroups : public testing::Test {
protected:
    void SetUp() override {
        path_ = fs::path(testing::TempDir()) / ("fidelity-" + newJobId() + ".h5");
    }
    void TearDown() override { fs::remove(path_); }

    /// Changes the file that is there.
    void change(const std::function<void(hid_t)>& body) const {
        const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        body(file);
        H5Fclose(file);
    }
    std::string codeOfReading() const {
        return codeOf([&] { readReport(path_); });
    }

    fs::path path_;
};

FidelityMetric sampleMetric() {
    FidelityMetric metric{"kl", "nats", {{kUp, 0.5}, {kQuery, 0.25}}};
    metric.options = {{kQuery, {{2, 0, 0.3}, {2, 64, 0.2}, {2.5, 0, 0.15}}}, {kUp, {{4, 0, 0}}}};
    metric.errorLevels = {{kUp, 0.125}};
    metric.settings = {{kUp, {"trellis", 2.5, 64}}, {kQuery, {"e8p", 2, 0}}};
    metric.tables = {{kEmbeddingTable, 8, 1e-5}, {kHeadTable, 4, -1e-7}};
    metric.details = {{"low", {{kUp, 0.1}}}, {"high", {{kUp, 0.2}}}};
    metric.layers = {{"rho", {0.5, std::numeric_limits<double>::quiet_NaN()}}};
    metric.numbers = {{"tokens", 4096}};
    return metric;
}

Report reportOf(FidelityMetric metric) {
    Report report;
    report.layerCount = 2;
    report.fidelity = {std::move(metric)};
    return report;
}

TEST_F(FidelityGroups, EverythingComesBack) {
    const FidelityMetric metric = sampleMetric();
    writeReport(reportOf(metric), path_);
    const FidelityMetric read = readReport(path_).fidelity.at(0);
    EXPECT_EQ(read.values, metric.values);
    EXPECT_EQ(read.options, metric.options);
    EXPECT_EQ(read.errorLevels, metric.errorLevels);
    EXPECT_EQ(read.settings, metric.settings);
    EXPECT_EQ(read.tables, metric.tables);
    EXPECT_EQ(read.details, metric.details);
    EXPECT_EQ(read.numbers, metric.numbers);
    ASSERT_EQ(read.layers.size(), 1U);
    EXPECT_EQ(read.layers.at("rho").at(0), 0.5);
    EXPECT_TRUE(std::isnan(read.layers.at("rho").at(1)));
}

/// The bytes of a stored value of a compound type.
size_t storedSize(const std::filesystem::path& file, const char* dataset) {
    const hdf5::Handle opened(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open");
    const hdf5::Handle values(H5Dopen2(opened, dataset, H5P_DEFAULT), H5Dclose, "open");
    const hdf5::Handle type(H5Dget_type(values), H5Tclose, "read the type");
    return H5Tget_size(type);
}

TEST_F(FidelityGroups, NothingOfMemoryGetsIntoAFile) {
    writeReport(reportOf(sampleMetric()), path_);
    EXPECT_EQ(storedSize(path_, "fidelity_details/kl/options"), 3 * sizeof(int32_t) + 2 * 8U);
    EXPECT_EQ(storedSize(path_, "fidelity_details/kl/tables"), 16 + sizeof(int32_t) + 8U);
}

TEST_F(FidelityGroups, FilesFromBeforeDetailsLoadWithoutThem) {
    writeReport(reportOf(sampleMetric()), path_);
    change([](hid_t file) { H5Ldelete(file, "fidelity_details", H5P_DEFAULT); });
    const FidelityMetric read = readReport(path_).fidelity.at(0);
    EXPECT_EQ(read.values, sampleMetric().values);
    EXPECT_TRUE(read.options.empty());
    EXPECT_TRUE(read.errorLevels.empty());
}

TEST_F(FidelityGroups, FilesFromBeforeMetricsToldTheirSettingsHaveThoseOfTheCells) {
    FidelityMetric kl = sampleMetric();
    kl.settings.clear();
    Report report = reportOf(kl);
    report.fidelity.push_back({"lens", "the original alone", {{kUp, 0.5}}});
    report.cells[kUp].settings.bits = 3;
    report.cells[kUp].settings.rank = 32;
    writeReport(report, path_);
    change([](hid_t file) {
        for (const char* metric : {"kl", "lens"}) {
            const std::string place = std::string("fidelity_details/") + metric + "/settings";
            H5Ldelete(file, place.c_str(), H5P_DEFAULT);
        }
    });
    const Report read = readReport(path_);
    const std::map<Cell, MeasuredSettings> expected = {{kUp, {"trellis", 3, 32}}};
    EXPECT_EQ(read.fidelity.at(0).settings, expected);
    EXPECT_TRUE(read.fidelity.at(1).settings.empty()) << "does not hang on settings";
}

TEST_F(FidelityGroups, RefusesSettingsThatNoCellHas) {
    for (const MeasuredSettings& wrong : {MeasuredSettings{"trellis", -1, 0},
                                          {"trellis", 17, 0},
                                          {"trellis", std::nan(""), 0},
                                          {"trellis", 2, -16}}) {
        FidelityMetric metric = sampleMetric();
        metric.settings = {{kQuery, wrong}};
        writeReport(reportOf(metric), path_);
        EXPECT_EQ(codeOfReading(), "report.corrupt") << wrong.bits << " " << wrong.rank;
    }
}

TEST_F(FidelityGroups, RefusesToWriteWhatNoReaderTakes) {
    const auto refused = [&](const std::function<void(FidelityMetric&)>& spoil) {
        FidelityMetric metric = sampleMetric();
        spoil(metric);
        return codeOf([&] { writeReport(reportOf(metric), path_); });
    };
    EXPECT_EQ(refused([](auto& m) {
                  m.options[{2, Module::QProj}] = {{2, 0, 0.1}};
              }),
              "report.layer");
    EXPECT_EQ(refused([](auto& m) { m.errorLevels[{-1, Module::QProj}] = 1; }), "report.layer");
    EXPECT_EQ(refused([](auto& m) {
                  m.settings[{2, Module::QProj}] = {"trellis", 2, 0};
              }),
              "report.layer");
    EXPECT_EQ(refused([](auto& m) { m.layers["short"] = {1}; }), "report.layer");
    EXPECT_EQ(refused([](auto& m) { m.details["a/b"] = {}; }), "report.name");
    EXPECT_FALSE(fs::exists(path_));
}

TEST_F(FidelityGroups, RefusesOptionsThatMislead) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<std::vector<FidelityOption>> misleading = {
        {{2, 0, nan}},               // no error
        {{2, 0, -0.1}},              // less than none
        {{-1, 0, 0.1}},              // no bits
        {{17, 0, 0.1}},              // more than a weight has
        {{2, -16, 0.1}},             // no rank
        {{2, 2147483647, 0.1}},      // more than any matrix has
        {{nan, 0, 0.1}},             //
        {{2, 0, 0.1}, {2, 0, 0.2}},  // twice
        {{2, 64, 0.1}, {2, 0, 0.2}}, // not by rank
        {{3, 0, 0.1}, {2, 0, 0.2}},  // not by bits
    };
    for (const auto& options : misleading) {
        FidelityMetric metric = sampleMetric();
        metric.options = {{kQuery, options}};
        writeReport(reportOf(metric), path_);
        EXPECT_EQ(codeOfReading(), "report.corrupt") << options[0].bits << " " << options[0].rank;
    }
    EXPECT_THAT(complaintOf([&] { readReport(path_); }).sentence,
                HasSubstr("read the metric kl, whose order of options cannot be right"));
}

TEST_F(FidelityGroups, RefusesDetailsThatDoNotFitTheLayers) {
    for (const char* name : {"error_level", "cells/low", "layers/rho"}) {
        writeReport(reportOf(sampleMetric()), path_);
        change([&](hid_t file) {
            const std::string place = std::string("fidelity_details/kl/") + name;
            H5Ldelete(file, place.c_str(), H5P_DEFAULT);
            const hsize_t size = 3;
            const hid_t space = H5Screate_simple(1, &size, nullptr);
            const hid_t dataset = H5Dcreate2(file, place.c_str(), H5T_NATIVE_DOUBLE, space,
                                             H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
            H5Dclose(dataset);
            H5Sclose(space);
        });
        EXPECT_EQ(codeOfReading(), "report.corrupt") << name;
    }
    FidelityMetric metric = sampleMetric();
    metric.tables = {{"attention", 8, 1}};
    writeReport(reportOf(metric), path_);
    EXPECT_EQ(codeOfReading(), "report.corrupt");
}

TEST_F(FidelityGroups, ReadsNoOtherFileAndNoOtherPlace) {
    const fs::path elsewhere = path_.string() + ".elsewhere";
    const auto refused = [&](const std::function<void(hid_t)>& body) {
        writeReport(reportOf(sampleMetric()), path_);
        writeReport(reportOf(sampleMetric()), elsewhere);
        change(body);
        return codeOfReading();
    };
    const auto without = [](hid_t file, const char* name) {
        H5Ldelete(file, name, H5P_DEFAULT);
        return file;
    };
    for (const char* name : {"layers", "fidelity", "fidelity/kl", "fidelity_details/kl/options"}) {
        EXPECT_EQ(refused([&](hid_t file) {
                      H5Lcreate_external(elsewhere.c_str(), name, without(file, name), name,
                                         H5P_DEFAULT, H5P_DEFAULT);
                  }),
                  "report.link")
            << name;
        EXPECT_EQ(refused([&](hid_t file) {
                      H5Lcreate_soft("/run", without(file, name), name, H5P_DEFAULT, H5P_DEFAULT);
                  }),
                  "report.link")
            << name;
    }
    EXPECT_EQ(refused([&](hid_t file) {
                  without(file, "fidelity/kl");
                  const hsize_t size[] = {2, 7};
                  const hid_t space = H5Screate_simple(2, size, nullptr);
                  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
                  H5Pset_external(creation, elsewhere.c_str(), 0, sizeof(double) * 14);
                  H5Dclose(H5Dcreate2(file, "fidelity/kl", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT,
                                      creation, H5P_DEFAULT));
                  H5Pclose(creation);
                  H5Sclose(space);
              }),
              "report.link")
        << "values in another file";
    fs::remove(elsewhere);
}

} // namespace
} // namespace caldera
