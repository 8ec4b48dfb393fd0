#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "tests/core/artifact/artifact_samples.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;

class CellFile : public testing::Test {
protected:
    void SetUp() override {
        path_ = fs::path(testing::TempDir()) / (newJobId() + ".safetensors");
        cell_ = madeUpCell({1, Module::DownProj}, tinyPlan(), tinyConfig());
        cell_.report.seconds = 0.1;
        cell_.report.settings.seed = 18446744073709551615U;
        writeCellFile(path_, cell_, "key");
    }
    void TearDown() override { fs::remove(path_); }

    std::string codeOf(const std::string& key = "key") const {
        try {
            readCellFile(path_, key);
        } catch (const Error& e) {
            return e.code();
        }
        return "(none)";
    }

    fs::path path_;
    CompressedCell cell_;
};

TEST_F(CellFile, RoundTrips) {
    const CompressedCell read = readCellFile(path_, "key");
    EXPECT_EQ(read.cell, cell_.cell);
    EXPECT_EQ(read.q, cell_.q);
    EXPECT_EQ(read.l, cell_.l);
    EXPECT_EQ(read.r, cell_.r);
    EXPECT_EQ(read.outSign, cell_.outSign);
    EXPECT_EQ(read.inSign, cell_.inSign);
    EXPECT_EQ(read.report.settings, cell_.report.settings);
    EXPECT_EQ(read.report.shape, cell_.report.shape);
    EXPECT_EQ(read.report.seconds, 0.1);
    EXPECT_EQ(read.report.relativeError, 0.125);
    EXPECT_EQ(read.report.rowError, cell_.report.rowError);
    EXPECT_EQ(read.report.singularValues, cell_.report.singularValues);
    ASSERT_EQ(read.report.history.size(), 2U);
    EXPECT_EQ(read.report.history[1].step, "Q");
    EXPECT_EQ(read.report.history[1].relativeError, 0.125);
}

TEST_F(CellFile, KnowsWhatItWasMadeFrom) {
    EXPECT_EQ(codeOf("another key"), "cell.stale");
}

TEST_F(CellFile, FindsDamageAnywhere) {
    const std::string whole = readTextFile(path_);
    for (size_t place = 0; place < whole.size(); place += 13) {
        std::string damaged = whole;
        damaged[place] = static_cast<char>(damaged[place] ^ 2);
        std::ofstream(path_, std::ios::binary) << damaged;
        const std::string code = codeOf();
        if (code == "(none)") { // a byte without meaning, such as padding
            EXPECT_EQ(readCellFile(path_, "key").q, cell_.q) << place;
        } else {
            EXPECT_TRUE(code == "cell.corrupt" || code == "cell.stale") << place << code;
        }
    }
    for (size_t size = 0; size < whole.size(); size += 37) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
        EXPECT_EQ(codeOf(), "cell.corrupt") << size;
    }
}

TEST_F(CellFile, MissingIsNotDamaged) {
    fs::remove(path_);
    EXPECT_EQ(codeOf(), "file.open");
}

} // namespace
} // namespace caldera
