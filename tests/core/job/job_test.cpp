#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "core/job/job_progress.h"
#include "core/job/terminal_progress.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = fs::path(testing::TempDir()) / ("jobs-" + newJobId());
        fs::create_directories(root_);
    }
    void TearDown() override { fs::remove_all(root_); }

    JobFolder create(const std::string& created = "") const {
        JobSpec spec;
        spec.kind = "compress";
        spec.title = "demo";
        spec.arguments = {"compress", "model", "--out", "a b"};
        spec.created = created;
        return JobFolder::create(root_, spec);
    }

    fs::path root_;
};

std::vector<int64_t> numbersOf(const std::vector<Event>& events) {
    std::vector<int64_t> numbers;
    for (const Event& event : events) {
        numbers.push_back(event.seq);
    }
    return numbers;
}

std::string codeOf(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return e.code();
    }
    return "(none)";
}

void append(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::app) << text;
}

using Events = JobTest;
using Folder = JobTest;
using Lock = JobTest;
using Worker = JobTest;

TEST_F(Events, ReachTwoReadersOnceEach) {
    const fs::path file = root_ / "events.jsonl";
    EventReader first(file);
    EXPECT_TRUE(first.poll().empty());
    EventWriter writer(file, "job-1");
    writer.write("hello", {{"pid", 7}});
    writer.write("log", {{"message", "line\nbreak \xff"}});
    EventReader second(file);
    const auto events = first.poll();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].kind, "hello");
    EXPECT_EQ(events[0].body["pid"], 7);
    EXPECT_EQ(events[0].body["job"], "job-1");
    EXPECT_TRUE(events[0].body["time"].is_string());
    EXPECT_EQ(second.poll().size(), 2U);
    EXPECT_TRUE(first.poll().empty());
    writer.write("end", {});
    EXPECT_THAT(numbersOf(first.poll()), ElementsAre(2));
    EXPECT_THAT(numbersOf(second.poll()), ElementsAre(2));
}

TEST_F(Events, WaitForTheEndOfALine) {
    const fs::path file = root_ / "events.jsonl";
    append(file, R"({"seq": 0, "event": "he)");
    EventReader reader(file);
    EXPECT_TRUE(reader.poll().empty());
    append(file, "llo\"}\n");
    EXPECT_THAT(numbersOf(reader.poll()), ElementsAre(0));
}

TEST_F(Events, DropATornLineOnResumeAndGoOnCounting) {
    const fs::path file = root_ / "events.jsonl";
    {
        EventWriter writer(file, "j");
        writer.write("hello", {});
        writer.write("stage", {});
    }
    append(file, R"({"seq": 2, "event": "progr)");
    EventReader reader(file);
    EXPECT_THAT(numbersOf(reader.poll()), ElementsAre(0, 1));
    EventWriter writer(file, "j");
    writer.write("hello", {});
    EXPECT_THAT(numbersOf(reader.poll()), ElementsAre(2));
    EXPECT_THAT(numbersOf(EventReader(file).poll()), ElementsAre(0, 1, 2));
}

TEST_F(Events, SkipLinesThatAreNone) {
    const fs::path file = root_ / "events.jsonl";
    append(file,
           "garbage\n[]\n{\"seq\": \"x\", \"event\": \"log\"}\n\n{\"seq\": 4, \"event\": \"log\"}\n"
           "more garbage\n");
    EXPECT_THAT(numbersOf(EventReader(file).poll()), ElementsAre(4));
    EventWriter writer(file, "j");
    writer.write("log", {});
    EXPECT_THAT(numbersOf(EventReader(file).poll()), ElementsAre(4, 5));
}

TEST_F(Events, SkipLinesThatAreNestedTooDeep) {
    const fs::path file = root_ / "events.jsonl";
    constexpr size_t kDeep = 1'000'000; // would need a stack of as many calls to be written again
    append(file, R"({"seq":0,"event":"log","message":)" + std::string(kDeep, '[') +
                     std::string(kDeep, ']') + "}\n");
    append(file, "{\"seq\":1,\"event\":\"log\",\"message\":\"whole\"}\n");
    const auto events = EventReader(file).poll();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].text("message"), "whole");
}

TEST_F(Events, TakeFieldsOnlyAsWhatTheyAre) {
    Event event;
    event.body = {{"text", "a"}, {"number", 7}, {"none", nullptr}, {"share", 0.5}};
    EXPECT_EQ(event.text("text"), "a");
    EXPECT_EQ(event.text("number"), "");
    EXPECT_EQ(event.text("absent"), "");
    EXPECT_EQ(event.number("number"), 7);
    for (const char* field : {"text", "none", "share", "absent"}) {
        EXPECT_EQ(event.number(field, 3), 3) << field;
    }
}

TEST_F(Events, KeepTheirNumbersUnderManyThreads) {
    const fs::path file = root_ / "events.jsonl";
    EventWriter writer(file, "j");
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&writer] {
                for (int i = 0; i < 250; ++i) {
                    writer.write("log", {{"message", std::string(300, 'x')}});
                }
            });
        }
    }
    const auto events = EventReader(file).poll();
    ASSERT_EQ(events.size(), 1000U);
    for (size_t i = 0; i < events.size(); ++i) {
        EXPECT_EQ(events[i].seq, static_cast<int64_t>(i));
    }
}

TEST_F(Folder, HoldsWhatWasAskedFor) {
    const JobFolder job = create();
    const JobSpec spec = JobFolder(job.path()).spec();
    EXPECT_EQ(spec.id, job.path().filename());
    EXPECT_EQ(spec.arguments, (std::vector<std::string>{"compress", "model", "--out", "a b"}));
    EXPECT_EQ(job.state().phase, "queued");
    EXPECT_TRUE(fs::is_directory(job.cells()));
    EXPECT_TRUE(fs::is_directory(job.out()));
    EXPECT_EQ(codeOf([&] { JobFolder::create(root_, spec); }), "job.exists");
}

TEST_F(Folder, IdsAreRandomUuids) {
    const std::string id = newJobId();
    EXPECT_THAT(id,
                testing::MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
    EXPECT_EQ(id.size(), 36U);
    EXPECT_NE(id, newJobId());
}

TEST_F(Folder, TellsDamagedFilesFromMissingOnes) {
    const JobFolder job = create();
    writeFileAtomically(job.path() / "job.json", "{\"id\": 3}");
    EXPECT_EQ(codeOf([&] { job.spec(); }), "job.spec");
    writeFileAtomically(job.path() / "state.json", "{");
    EXPECT_EQ(codeOf([&] { job.state(); }), "job.state");
    fs::remove(job.path() / "state.json");
    EXPECT_EQ(job.state().phase, "queued");
}

TEST_F(Folder, TakesOnlyWhatAStateCanHold) {
    JobState state;
    for (const char* phase : {"queued", "running", "lost", "done"}) {
        state.phase = phase;
        EXPECT_EQ(parseState(stateText(state), "x").phase, phase);
    }
    for (const char* phase : {"", "Done", "done ", "finished"}) {
        state.phase = phase;
        EXPECT_EQ(codeOf([&] { parseState(stateText(state), "x"); }), "job.state") << phase;
    }
    state.phase = "failed";
    state.message = "\033[2J" + std::string(1 << 20, 'x');
    EXPECT_LT(parseState(stateText(state), "x").message.size(), 5000U);
    EXPECT_EQ(parseState(stateText(state), "x").message.find('\033'), std::string::npos);
}

TEST_F(Folder, TellsItsEndWhereNoFileCanBeMade) {
    const JobFolder folder = create();
    JobState state = folder.state();
    state.phase = "running";
    state.message = std::string(300, 'x');
    folder.writeState(state);
    // In the way of every new file, as a full disk is.
    fs::create_directories(folder.path() / ("state.json.tmp-" + std::to_string(::getpid())));
    state.phase = "failed";
    state.message = "The disk is full.";
    folder.writeState(state);
    EXPECT_EQ(folder.state().phase, "failed");
    EXPECT_EQ(folder.state().message, "The disk is full.");
    state.message = std::string(100'000, 'y'); // more than the file has
    EXPECT_EQ(codeOf([&] { folder.writeState(state); }), "file.write");
    EXPECT_EQ(folder.state().message, "The disk is full.");
}

TEST_F(Folder, SaysItsFormatAndRefusesANewerOne) {
    const JobFolder job = create();
    for (const auto& [file, format] :
         {std::pair("job.json", "caldera-job/"), std::pair("state.json", "caldera-job-state/")}) {
        const std::string text = readTextFile(job.path() / file);
        const auto read = [&] {
            file == std::string("job.json") ? void(job.spec()) : void(job.state());
        };
        const size_t place = text.find(format);
        ASSERT_NE(place, std::string::npos) << text;
        const auto with = [&](const std::string& other) {
            std::string changed = text;
            writeFileAtomically(job.path() / file,
                                changed.replace(place, std::string(format).size() + 1, other));
            return codeOf(read);
        };
        EXPECT_EQ(with(std::string(format) + "2"), "job.newer");
        EXPECT_THAT(with("something/1"), testing::AnyOf("job.spec", "job.state"));
        EXPECT_EQ(with(std::string(format) + "1"), "(none)");
    }
}

TEST_F(Folder, PassesACancelRequestOnce) {
    const JobFolder job = create();
    EXPECT_FALSE(job.cancelRequested());
    job.requestCancel();
    EXPECT_TRUE(job.cancelRequested());
    job.clearControl();
    EXPECT_FALSE(job.cancelRequested());
}

TEST_F(Folder, ListsJobsNewestFirstAndLeavesOutTheRest) {
    const JobFolder older = create("2026-01-01T00:00:00Z");
    const JobFolder newer = create("2026-02-01T00:00:00Z");
    fs::create_directories(root_ / "not-a-job");
    append(root_ / "a-file", "x");
    const auto jobs = listJobs(root_);
    ASSERT_EQ(jobs.size(), 2U);
    EXPECT_EQ(jobs[0].path(), newer.path());
    EXPECT_EQ(jobs[1].path(), older.path());
    EXPECT_TRUE(listJobs(root_ / "nowhere").empty());
}

TEST_F(Lock, AdmitsOneWorker) {
    const JobFolder job = create();
    EXPECT_FALSE(job.workerAlive());
    {
        const JobLock lock(job);
        EXPECT_TRUE(job.workerAlive());
        EXPECT_EQ(readTextFile(job.path() / "lock"), std::to_string(::getpid()) + "\n");
        try {
            const JobLock second(job);
            ADD_FAILURE() << "two locks";
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), "job.busy");
            EXPECT_THAT(e.what(), HasSubstr("process " + std::to_string(::getpid())));
        }
        EXPECT_TRUE(job.workerAlive());
    }
    EXPECT_FALSE(job.workerAlive());
    const JobLock again(job);
}

TEST_F(Lock, DiesWithAKilledWorkerWhichIsThenLost) {
    const JobFolder job = create();
    int ready[2] = {};
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const JobLock lock(job);
        JobState state;
        state.phase = "running";
        job.writeState(state);
        if (::write(ready[1], "x", 1) == 1) {
            ::pause();
        }
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_TRUE(job.workerAlive());
    EXPECT_EQ(job.visiblePhase(), "running");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_FALSE(job.workerAlive());
    EXPECT_EQ(job.visiblePhase(), "lost");
    EXPECT_EQ(job.state().phase, "running");
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_F(Worker, GoesThroughItsPhases) {
    const JobFolder job = create();
    EXPECT_EQ(job.visiblePhase(), "queued");
    const JobLock lock(job);
    EventWriter events(job.events(), "j");
    JobProgress progress(job, events);
    EXPECT_EQ(job.visiblePhase(), "preparing");
    progress.stage("calibrating");
    EXPECT_EQ(job.visiblePhase(), "running");
    progress.advance(1, 4);
    EXPECT_EQ(job.state().stage, "calibrating");
    EXPECT_EQ(job.state().fraction, 0.25);
    progress.event("cell", {{"layer", 3}});
    progress.end("failed", "No space.", "file.disk-full");
    const JobState state = job.state();
    EXPECT_EQ(state.phase, "failed");
    EXPECT_EQ(state.message, "No space.");
    EXPECT_EQ(state.code, "file.disk-full");
    std::vector<std::string> kinds;
    for (const Event& event : EventReader(job.events()).poll()) {
        kinds.push_back(event.kind);
    }
    EXPECT_THAT(kinds, ElementsAre("stage", "progress", "cell", "end"));
}

TEST_F(Worker, DoesNotFloodItsReaders) {
    const JobFolder job = create();
    EventWriter events(job.events(), "j");
    JobProgress progress(job, events);
    progress.stage("s");
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 2000; ++i) {
        progress.advance(i, 100000);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto count = static_cast<double>(EventReader(job.events()).poll().size());
    EXPECT_LE(count, 3 + seconds * 5);
    progress.advance(100000, 100000);
    EXPECT_EQ(job.state().fraction, 1);
}

TEST(Eta, CountsOnlyWorkDoneSinceTheStart) {
    EtaClock clock;
    EXPECT_LT(clock.update(50, 100), 0); // 50 were done before
    EXPECT_LT(clock.update(50, 100), 0);
    const double eta = clock.update(75, 100);
    EXPECT_GE(eta, 0);
    EXPECT_LT(eta, 60);
    EXPECT_EQ(clock.update(100, 100), 0);
}

TEST(ProgressLine, ShowsShareAndEta) {
    EXPECT_EQ(progressLine("calibrating", 1, 4, 65),
              "calibrating  [#####---------------]  25 %  eta 1 min 5 s");
    EXPECT_EQ(progressLine("s", 0, 0, -1), "s  [--------------------]  0 %");
}

TEST(TerminalProgress, WritesALineNowAndThenWhereNothingMoves) {
    testing::internal::CaptureStderr(); // a file
    {
        TerminalProgress often(std::chrono::milliseconds(0));
        often.stage("evaluate");
        often.advance(1, 4);
        often.advance(2, 4);
    }
    const std::string lines = testing::internal::GetCapturedStderr();
    EXPECT_THAT(lines, testing::StartsWith("evaluate\nevaluate  [#####---------------]  25 %\n"
                                           "evaluate  [##########----------]  50 %"));
    EXPECT_THAT(lines, testing::Not(testing::HasSubstr("\r")));
    testing::internal::CaptureStderr();
    {
        TerminalProgress seldom(std::chrono::hours(1));
        seldom.stage("evaluate");
        seldom.advance(1, 2);
        seldom.advance(2, 2);
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "evaluate\n");
}

TEST(Cancelling, Throws) {
    std::stop_source source;
    checkCancelled(source.get_token());
    source.request_stop();
    EXPECT_THROW(checkCancelled(source.get_token()), Cancelled);
}

} // namespace
} // namespace caldera
