// What the commands that measure do with the name that their report gets.
#include "app/cli/report_file.h"

#include <fstream>

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/report/report.h"
#include "tests/support/code_of.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

TEST(ReportFile, NothingIsWrittenOverWhatIsNoReport) {
    const test::ScratchFolder folder;
    const auto file = folder.path() / "notes.h5";
    EXPECT_EQ(test::codeOf([&] { requireReportOrNone(file); }), "");
    for (const char* contents : {"not hdf5", ""}) {
        std::ofstream(file) << contents;
        EXPECT_EQ(test::codeOf([&] { requireReportOrNone(file); }), "report.foreign");
        EXPECT_EQ(readTextFile(file), contents);
    }
    std::filesystem::remove(file);
    writeReport(Report(), file);
    EXPECT_EQ(test::codeOf([&] { requireReportOrNone(file); }), "");
}

} // namespace
} // namespace caldera::cli
