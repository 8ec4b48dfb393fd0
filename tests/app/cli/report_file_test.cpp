// What the commands that measure do with the name that their report gets.
#include "app/cli/report_file.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/report/report.h"
#include "tests/app/cli/run_command.h"
#include "tests/support/code_of.h"
#include "tests/support/report_format.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

TEST(ReportFile, TheTextThatComesWithTheProgramHasAName) {
    EXPECT_EQ(heldOutText({}).filename(), "heldout.txt");
    EXPECT_EQ(heldOutText("builtin"), heldOutText({}));
    EXPECT_EQ(heldOutText("own.txt"), "own.txt");
}

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

/// What each command says that reads `report`.
std::vector<std::string> complaints(const test::ScratchFolder& folder,
                                    const std::filesystem::path& report) {
    const std::string model = std::string(CALDERA_SOURCE_DIR) + "/resources/demo-model";
    const std::string plan = (folder / "p.yaml").string();
    savePlan(defaultPlan(model, openModel(model)->config), plan);
    const std::vector<Result> results = {
        runCommandLine({"export", report.string(), "--report", (folder / "page.html").string()},
                       addExportCommand),
        runCommandLine({"plan", "solve", plan, "--fidelity", report.string(), "--bpw", "3", "--out",
                        (folder / "solved.yaml").string()},
                       addPlanCommand),
        runCommandLine({"fidelity", model, "--metric", "proxy", "--out", report.string()},
                       addFidelityCommand)};
    std::vector<std::string> sentences;
    for (const Result& result : results) {
        EXPECT_NE(result.exitCode, 0);
        sentences.push_back(result.err);
    }
    return sentences;
}

TEST(ReportFile, OfALaterProgramNamesWhatReadsIt) {
    const test::ScratchFolder folder;
    const auto file = folder.path() / "later.h5";
    writeReport(Report(), file);
    test::setReportFormat(file, "caldera-report/9");
    const std::string before = readTextFile(file);
    EXPECT_THAT(complaints(folder, file),
                Each(AllOf(HasSubstr("later.h5 has format caldera-report/9"),
                           HasSubstr("Install a newer caldera"))));
    EXPECT_EQ(readTextFile(file), before);
}

TEST(ReportFile, CutShortIsSaidToBeAtEveryLength) {
    const test::ScratchFolder folder;
    const auto file = folder.path() / "cut.h5";
    writeReport(Report(), file);
    const std::string whole = readTextFile(file);
    for (const size_t length : {whole.size() - 1, whole.size() / 2, size_t{100}}) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << whole.substr(0, length);
        EXPECT_THAT(complaints(folder, file), Each(HasSubstr("cut.h5 is damaged or cut short")))
            << length;
    }
}

} // namespace
} // namespace caldera::cli
