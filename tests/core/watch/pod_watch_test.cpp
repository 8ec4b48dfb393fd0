#include "core/watch/pod_watch.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/job/watch_sign.h"
#include "tests/support/code_of.h"
#include "tests/support/fake_runpod.h"
#include "tests/support/program.h"
#include "tests/support/until.h"

namespace caldera {

namespace fs = std::filesystem;
using test::FakeRunpod;
using test::Program;

namespace {

/// A job folder and a pod that runs.
class PodWatchTest : public ::testing::Test {
protected:
    PodWatchTest() {
        JobSpec spec;
        spec.id = newJobId();
        spec.kind = "compress";
        spec.arguments = {"compress",
                          (fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model").string(), "--out",
                          (root_ / "artifact").string()};
        folder_ = std::make_unique<JobFolder>(JobFolder::create(root_, spec));
        pod_ = server_.addPod("caldera-" + spec.id);
        server_.setStatus(pod_, "RUNNING");
    }
    ~PodWatchTest() override { fs::remove_all(root_); }

    void setPhase(const std::string& phase) const {
        JobState state;
        state.phase = phase;
        folder_->writeState(state);
    }
    std::vector<std::string> command(std::vector<std::string> further) const {
        std::vector<std::string> words{
            "watch-pod", folder_->path().string(), "--pod", pod_, "--url", server_.url(), "--every",
            "0.05"};
        words.insert(words.end(), further.begin(), further.end());
        return words;
    }
    /// Starts the watchdog with the key on its standard input.
    std::unique_ptr<Program> watch(const std::vector<std::string>& further) const {
        auto program = std::make_unique<Program>(command(further));
        program->write(server_.key() + "\n");
        program->closeInput();
        return program;
    }

    fs::path root_ = fs::temp_directory_path() / ("caldera-watch-" + newJobId());
    FakeRunpod server_;
    std::unique_ptr<JobFolder> folder_;
    std::string pod_;
};

} // namespace

TEST(WatchVerdict, StopsForEachReasonAndForNoOther) {
    WatchLimits limits;
    limits.budget = 10;
    limits.idleSeconds = 900;
    limits.fetchSeconds = 600;
    WatchFacts facts;
    facts.hourlyPrice = 3.6; // 0.075 until the next look and the farewell are over
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Keep);
    facts.quietSeconds = 899;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Keep);
    facts.quietSeconds = 900;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Idle);
    facts.jobOver = true;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Completed);
    facts.quietSeconds = 599;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Keep);
    facts.spent = 9.92;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Keep);
    facts.spent = 9.93;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Budget);
    limits.budget = 0;
    EXPECT_EQ(watchVerdict(facts, limits), WatchVerdict::Keep);
}

TEST(PodEnvironment, IsReadByWholeNames) {
    const std::string bytes("A=1\0XKEY=no\0KEY=yes\0KEYS=no\0EMPTY=\0", 36);
    EXPECT_EQ(variableIn(bytes, "KEY"), std::vector<std::string>{"yes"});
    EXPECT_TRUE(variableIn(bytes, "EMPTY").empty());
    EXPECT_TRUE(variableIn(bytes, "B").empty());
    EXPECT_TRUE(variableIn({}, "KEY").empty());
}

TEST_F(PodWatchTest, StopsThePodAfterTheJobsEnd) {
    setPhase("done");
    const auto program = watch({"--fetch-minutes", "0"});
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_EQ(server_.pods().at(pod_), "EXITED");
}

TEST_F(PodWatchTest, WaitsForAnOwnerWhoIsThere) {
    setPhase("done");
    const auto program = watch({"--fetch-minutes", "0.03"}); // 1.8 s
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2500);
    for (int touch = 0; std::chrono::steady_clock::now() < end; ++touch) {
        std::ofstream(folder_->path() / "attended") << touch;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(program->running());
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodWatchTest, StopsAWorkerBeforeItsPodWhenTheBudgetIsSpent) {
    // A real worker in a session of its own, as on a pod.
    Program worker({"compress", fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model", "--out",
                    (root_ / "artifact").string(), "--job", folder_->path().string()});
    ASSERT_TRUE(test::until([&] { return folder_->workerAlive(); }));
    const auto program = watch({"--budget", "2", "--farewell", "60"});
    EXPECT_TRUE(program->running());
    server_.advance(2 * 3600 - 61); // of 1 dollar an hour
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_FALSE(folder_->workerAlive());
    EXPECT_EQ(worker.exitCode(), 130); // stopped at a step, not killed
    EXPECT_EQ(server_.pods().at(pod_), "EXITED");
    EXPECT_LE(server_.spent(), 2);
}

TEST_F(PodWatchTest, StopsWhenTheWorkerWasKilledAndNobodyComes) {
    auto worker = std::make_unique<Program>(std::vector<std::string>{
        "compress", fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model", "--out",
        (root_ / "artifact").string(), "--job", folder_->path().string()});
    ASSERT_TRUE(test::until([&] { return folder_->visiblePhase() == "running"; }));
    worker->kill();
    const auto program = watch({"--fetch-minutes", "0"});
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodWatchTest, StopsAnIdlePod) {
    const auto program = watch({"--idle-minutes", "0.005"});
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodWatchTest, GoesOnUntilTheProviderAnswers) {
    setPhase("failed");
    server_.cause({.verb = "GET", .path = "/v2/pods/.*", .times = 3, .status = 503});
    server_.cause({.verb = "POST", .path = "/v2/pods/.*", .times = 3, .status = 500});
    server_.cause({.verb = "POST", .path = "/v2/pods/.*", .dropAnswer = true});
    const auto program = watch({"--fetch-minutes", "0"});
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodWatchTest, CountsOnWhereThePriceIsNotToldAnyMore) {
    setPhase("running");
    const auto program = watch({"--budget", "2", "--farewell", "1"});
    EXPECT_TRUE(test::until([&] { return server_.count("GET /v2/pods/" + pod_) > 1; }));
    server_.hidePrices();
    server_.advance(2 * 3600); // of 1 dollar an hour
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodWatchTest, TakesNothingForGrantedInAnAnswer) {
    for (const char* body : {R"({"status":"RUNNING","cost":"0.5","mounts":null,"startedAt":7})",
                             R"({"status":"RUNNING","cost":{},"mounts":{"network":3}})",
                             R"({"status":"SOMETHING NEW"})"}) {
        server_.cause({.verb = "GET", .path = "/v2/pods/.*", .status = 200, .body = body});
        PodApi api(server_.url(), pod_, {server_.key()});
        EXPECT_TRUE(api.look().costs) << body;
    }
    for (const char* body : {"", "null", "[]", R"({"status":null})", "\xff\xfe"}) {
        server_.cause({.verb = "GET", .path = "/v2/pods/.*", .status = 200, .body = body});
        PodApi api(server_.url(), pod_, {server_.key()});
        EXPECT_EQ(test::codeOf([&] { api.look(); }), "watch.provider") << body;
    }
}

TEST_F(PodWatchTest, ShowsHowItIs) {
    const auto sign = [this] {
        const fs::path file = watchSignFile(*folder_, pod_);
        return fs::exists(file) ? parseWatchSign(readTextFile(file)) : WatchSign();
    };
    setPhase("running");
    server_.cause({.verb = "GET", .path = "/v2/pods/.*", .status = 401});
    const auto program = watch({"--budget", "2", "--farewell", "1"});
    EXPECT_TRUE(test::until([&] { return sign().hasLooked; }));
    EXPECT_TRUE(test::until([&] { return sign().code.empty(); })) << "the provider answers again";
    server_.advance(2 * 3600); // of 1 dollar an hour
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_EQ(sign().verdict, "budget");

    Program refused(command({}));
    refused.write("rpa_of_nobody\n");
    refused.closeInput();
    EXPECT_TRUE(test::until([&] { return sign().code == "watch.refused"; }));
    EXPECT_EQ(test::codeOf([] { parseWatchSign("{}"); }), "watch.sign");
}

TEST_F(PodWatchTest, GivesBackOnlyWhatHasAVolume) {
    setPhase("done");
    server_.allowStop(false);
    const auto program = watch({"--fetch-minutes", "0"});
    EXPECT_TRUE(
        test::until([&] { return server_.count("POST /v2/pods/" + pod_ + "/action") > 2; }));
    EXPECT_TRUE(program->running());
    EXPECT_EQ(server_.pods().size(), 1U);
    server_.mountVolume(pod_);
    EXPECT_EQ(program->exitCode(), 0);
    EXPECT_TRUE(server_.pods().empty());
}

TEST_F(PodWatchTest, TakesTheNextKeyWhereTheFirstIsRefused) {
    PodApi api(server_.url(), pod_, {"rpa_of_the_pod_itself", server_.key()});
    EXPECT_TRUE(api.look().costs);
    EXPECT_TRUE(api.stop());
    EXPECT_FALSE(api.look().costs);
    PodApi none(server_.url(), pod_, {"rpa_of_the_pod_itself"});
    EXPECT_EQ(test::codeOf([&] { none.look(); }), "watch.refused");
}

TEST_F(PodWatchTest, RefusesWhatItCannotWatch) {
    EXPECT_EQ(test::codeOf([] { PodApi("nowhere", "pod", {"k"}); }), "watch.address");
    EXPECT_EQ(test::codeOf([] { PodApi("https://a/v2", "../volumes", {"k"}); }), "watch.address");
    EXPECT_EQ(test::codeOf([] { PodApi("https://a/v2", "pod", {}); }), "watch.refused");
    PodApi silent("http://127.0.0.1:1/v2", "pod", {"k"});
    EXPECT_EQ(test::codeOf([&] { silent.look(); }), "watch.provider");
}

TEST_F(PodWatchTest, TheKeyStaysInMemory) {
    setPhase("running");
    const auto program = watch({"--idle-minutes", "5"});
    ASSERT_TRUE(test::until([&] { return server_.count("GET /v2/pods/" + pod_) > 1; }));
    int seen = 0;
    for (const char* name : {"cmdline", "environ"}) {
        std::ifstream file("/proc/" + std::to_string(program->id()) + '/' + name);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        seen += bytes.empty() ? 0 : 1;
        EXPECT_EQ(bytes.find(server_.key()), std::string::npos) << name;
    }
    EXPECT_EQ(seen, 2);
    program->signal(SIGTERM);
    const std::string said = program->readAll();
    EXPECT_NE(said.find("watching"), std::string::npos);
    EXPECT_EQ(said.find(server_.key()), std::string::npos);
    EXPECT_EQ(program->exitCode(), 130);
    for (const auto& file : fs::recursive_directory_iterator(root_)) {
        if (file.is_regular_file()) {
            EXPECT_EQ(readTextFile(file.path()).find(server_.key()), std::string::npos) << file;
        }
    }
}

} // namespace caldera
