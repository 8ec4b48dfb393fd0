// `caldera job` and folders of jobs as another program, or an enemy, may leave them.
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/job/job_folder.h"
#include "tests/app/cli/run_command.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class JobFolders : public testing::Test {
protected:
    static Result job(std::vector<std::string> words) {
        words.insert(words.begin(), "job");
        return runCommandLine(words, addJobCommand);
    }
    JobFolder create(const std::string& phase, const std::string& title = "a title") const {
        JobFolder folder =
            JobFolder::create(root_.path(), {"", "compress", title, {"compress", "m"}, ""});
        JobState state;
        state.phase = phase;
        folder.writeState(state);
        return folder;
    }
    static void write(const fs::path& file, const std::string& text) {
        std::ofstream(file, std::ios::trunc) << text;
    }

    test::ScratchFolder root_;
};

TEST_F(JobFolders, ListNamesAFolderThatIsNotThere) {
    const std::string missing = (root_.path() / "nowhere").string();
    const Result result = job({"list", missing});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.err, "caldera: Cannot list the jobs in " + missing +
                              ": No such file or directory. Name the folder that holds the folders "
                              "of jobs.\n");
    const fs::path file = root_.path() / "file";
    write(file, "x");
    EXPECT_EQ(job({"list", file.string()}).exitCode, 1);
    fs::create_symlink("loop", root_.path() / "loop");
    EXPECT_EQ(job({"list", (root_.path() / "loop").string()}).exitCode, 1);
    const Result empty = job({"list", root_.path().string()});
    EXPECT_EQ(empty.exitCode, 0);
    EXPECT_EQ(empty.out, "There is no job in " + root_.path().string() + ".\n");
    EXPECT_EQ(job({"list", root_.path().string(), "--json"}).out, "[]\n");
}

TEST_F(JobFolders, ADamagedJobHidesNoneOfTheOthers) {
    create("running", "good\nroot  100 % \x1B[31m");
    const JobFolder bad = create("done");
    write(bad.path() / "state.json", "{");
    const JobFolder newer = create("done");
    write(newer.path() / "state.json", R"({"format": "caldera-job-state/2", "phase": "done"})");
    const Result list = job({"list", root_.path().string()});
    EXPECT_EQ(list.exitCode, 0) << list.err;
    EXPECT_THAT(list.out, AllOf(HasSubstr("lost"), HasSubstr("good"), HasSubstr("unreadable"),
                                HasSubstr("caldera-job-state/2"), Not(HasSubstr("\x1B"))));
    EXPECT_EQ(std::count(list.out.begin(), list.out.end(), '\n'), 3);
    EXPECT_EQ(Json::parse(job({"list", root_.path().string(), "--json"}).out).size(), 3U);
}

TEST_F(JobFolders, AJobThatIsOverIsSaidSoAndLeftAlone) {
    for (const char* phase : {"done", "failed", "cancelled"}) {
        const JobFolder folder = create(phase);
        for (const char* word : {"pause", "continue", "cancel"}) {
            const Result result = job({word, folder.path().string()});
            EXPECT_EQ(result.exitCode, 0) << "it may have ended while somebody reached for it";
            EXPECT_EQ(result.out, "Nothing to do: the job in " + folder.path().string() +
                                      " is over (" + phase + ").\n");
            EXPECT_FALSE(fs::exists(folder.path() / "control")) << word << ", " << phase;
        }
        const Result told = job({"pause", folder.path().string(), "--json"});
        EXPECT_EQ(Json::parse(told.out).at("phase"), phase);
    }
    const JobFolder waiting = create("queued");
    EXPECT_EQ(job({"pause", waiting.path().string()}).out, "");
    EXPECT_TRUE(waiting.pauseRequested());
    EXPECT_EQ(job({"cancel", waiting.path().string()}).exitCode, 0);
    EXPECT_EQ(waiting.state().phase, "cancelled");
}

TEST_F(JobFolders, FilesThatCannotBeReadAreLeftAlone) {
    const JobFolder newer = create("running");
    write(newer.path() / "state.json", R"({"format": "caldera-job-state/2", "phase": "running"})");
    const JobFolder damaged = create("running");
    write(damaged.path() / "state.json", "[]");
    for (const JobFolder& folder : {newer, damaged}) {
        for (const char* word : {"pause", "continue", "cancel"}) {
            EXPECT_EQ(job({word, folder.path().string()}).exitCode, 1) << word;
            EXPECT_FALSE(fs::exists(folder.path() / "control")) << word;
        }
    }
}

TEST_F(JobFolders, ALockThatIsNoFileIsHeldByNobody) {
    const JobFolder pipe = create("running");
    ASSERT_EQ(::mkfifo((pipe.path() / "lock").c_str(), 0644), 0);
    const JobFolder folder = create("running");
    fs::create_directory(folder.path() / "lock");
    for (const JobFolder& each : {pipe, folder}) {
        EXPECT_EQ(each.visiblePhase(), "lost");
        EXPECT_THROW(const JobLock lock(each), Error);
    }
}

TEST_F(JobFolders, AShareIsOneHoweverItIsWritten) {
    const JobFolder folder = create("running");
    write(folder.path() / "state.json",
          R"({"format": "caldera-job-state/1", "phase": "running", "fraction": 1e300})");
    EXPECT_EQ(folder.state().fraction, 1);
    write(folder.path() / "state.json",
          R"({"format": "caldera-job-state/1", "phase": "running", "fraction": -3})");
    EXPECT_EQ(folder.state().fraction, 0);
}

/// A worker that notes its starts beside it, is killed in the first `kills` of them, and then ends
/// its job.
fs::path workerKilledAtFirst(const fs::path& folder, int kills) {
    fs::path program = folder / "worker";
    std::ofstream(program) << "#!/bin/sh\necho start >> '" << folder.string()
                           << "/starts'\n[ $(wc -l < '" << folder.string() << "/starts') -gt "
                           << kills << " ] || kill -9 $$\n"
                           << "for job; do :; done\nsed -i 's/queued/done/' \"$job/state.json\"\n";
    fs::permissions(program, fs::perms::owner_all);
    return program;
}

TEST_F(JobFolders, AWorkerKilledBeforeItsFirstWordIsStartedOnceMore) {
    for (const int kills : {1, 2}) {
        const test::ScratchFolder place;
        ::setenv("CALDERA_WORKER", workerKilledAtFirst(place.path(), kills).c_str(), 1);
        const JobFolder folder = create("queued");
        const Result result = job({"start", folder.path().string()});
        ::unsetenv("CALDERA_WORKER");
        EXPECT_EQ(result.exitCode, kills == 1 ? 0 : 1) << result.err;
        EXPECT_EQ(folder.state().phase, kills == 1 ? "done" : "failed");
        EXPECT_EQ(folder.state().code, kills == 1 ? "" : "job.worker-ended");
    }
}

} // namespace
} // namespace caldera::cli
