#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/job/follow.h"
#include "core/job/job_progress.h"
#include "core/job/job_start.h"
#include "tests/support/code_of.h"
#include "tests/support/until.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using Kind = FollowFrame::Kind;
using test::until;

class FollowTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = fs::path(testing::TempDir()) / ("follow-" + newJobId());
        JobSpec spec;
        spec.kind = "compress";
        spec.arguments = {"compress", "model"};
        job_.emplace(JobFolder::create(root_, spec));
    }
    void TearDown() override { fs::remove_all(root_); }

    std::string events() const { return readTextFile(job_->events()); }

    fs::path root_;
    std::optional<JobFolder> job_;
};

/// What the events of all frames give, put where they belong.
std::string eventsOf(const std::vector<FollowFrame>& frames, std::string have = {}) {
    for (const FollowFrame& frame : frames) {
        if (frame.kind == Kind::Events) {
            have.resize(static_cast<size_t>(frame.offset));
            have += frame.bytes;
        }
    }
    return have;
}

std::vector<FollowFrame> drain(JobFollower& follower) {
    std::vector<FollowFrame> all;
    for (auto frames = follower.poll(); !frames.empty(); frames = follower.poll()) {
        all.insert(all.end(), frames.begin(), frames.end());
        if (frames.back().kind == Kind::End) {
            break;
        }
    }
    return all;
}

std::vector<FollowFrame> drainToEnd(JobFollower& follower) {
    std::vector<FollowFrame> all;
    for (int look = 0; look < 100 && (all.empty() || all.back().kind != Kind::End); ++look) {
        const auto frames = follower.poll();
        all.insert(all.end(), frames.begin(), frames.end());
    }
    return all;
}

TEST_F(FollowTest, TellsWholeLinesThenTheStateThenTheEnd) {
    JobFollower follower(*job_, 0, {});
    std::string have = eventsOf(drain(follower));
    EXPECT_EQ(have, "");
    auto lock = std::make_unique<JobLock>(*job_);
    EventWriter events(job_->events(), "j");
    JobProgress progress(*job_, events);
    progress.stage("s");
    const auto first = drain(follower);
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(parseState(first[1].bytes, "a").phase, "running");
    have = eventsOf(first, have);
    std::ofstream(job_->events(), std::ios::app) << R"({"seq": 1, "event": "to)";
    EXPECT_TRUE(drain(follower).empty());
    std::ofstream(job_->events(), std::ios::app) << "rn\"}\n";
    have = eventsOf(drain(follower), have);
    JobState state = job_->state();
    state.phase = "done";
    job_->writeState(state);
    EXPECT_EQ(drain(follower).back().kind, Kind::State) << "its last event is still to come";
    EXPECT_TRUE(drain(follower).empty());
    progress.end("done", "", "");
    lock.reset();
    const auto last = drainToEnd(follower);
    EXPECT_EQ(last.back().kind, Kind::End);
    EXPECT_EQ(eventsOf(last, have), this->events());
}

TEST_F(FollowTest, GoesOnWhereItsReaderStopped) {
    EventWriter events(job_->events(), "j");
    events.write("log", {{"message", "one"}});
    const std::string have = this->events();
    events.write("log", {{"message", "two"}});
    JobFollower follower(*job_, static_cast<int64_t>(have.size()), sha256Hex(have));
    const auto frames = drain(follower);
    EXPECT_EQ(frames.front().offset, static_cast<int64_t>(have.size()));
    EXPECT_EQ(eventsOf(frames, have), this->events());
}

TEST_F(FollowTest, BeginsAnewForAReaderOfOtherEvents) {
    EventWriter events(job_->events(), "j");
    events.write("log", {{"message", "one"}});
    for (const auto& [offset, hash] :
         {std::pair<int64_t, std::string>(10, "other"), {1000000, "other"}}) {
        JobFollower follower(*job_, offset, hash);
        EXPECT_EQ(drain(follower).front().offset, 0);
    }
}

TEST_F(FollowTest, BeginsAnewWhereTheEventsShrink) {
    const std::string first =
        "{\"seq\": 0, \"event\": \"log\"}\n{\"seq\": 1, \"event\": \"log\"}\n";
    const std::string other = "{\"seq\": 0, \"event\": \"hello\", \"a\": 1}\n";
    std::ofstream(job_->events()) << first;
    JobFollower follower(*job_, 0, {});
    EventReader reader(job_->events());
    EXPECT_EQ(eventsOf(drain(follower)), first);
    EXPECT_EQ(reader.poll().size(), 2U);
    std::ofstream(job_->events(), std::ios::trunc) << other;
    const auto anew = drain(follower);
    ASSERT_FALSE(anew.empty());
    EXPECT_EQ(anew.front().offset, 0);
    EXPECT_EQ(anew.front().bytes, other);
    ASSERT_EQ(reader.poll().size(), 1U);
    std::ofstream(job_->events(), std::ios::app) << "{\"seq\": 1, \"event\": \"log\"}\n";
    EXPECT_EQ(drain(follower).front().offset, static_cast<int64_t>(other.size()));
    EXPECT_EQ(reader.poll().size(), 1U);
}

/// A memory map of a file that is cut off ends the process that reads it.
TEST_F(FollowTest, SurvivesEventsThatAreCutOffWhileTheyAreRead) {
    std::string lines;
    for (int i = 0; i < 20000; ++i) {
        lines += "{\"seq\": " + std::to_string(i) + ", \"event\": \"log\"}\n";
    }
    std::ofstream(job_->events()) << lines;
    std::jthread cutter([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            fs::resize_file(job_->events(), 0);
            std::ofstream(job_->events()) << lines;
        }
    });
    for (int look = 0; look < 200; ++look) {
        EventReader(job_->events()).poll();
        JobFollower(*job_, 0, {}).poll();
    }
}

TEST_F(FollowTest, TellsManyEventsInPieces) {
    std::string lines;
    for (int i = 0; i < 30000; ++i) {
        lines += R"({"seq": )" + std::to_string(i) +
                 R"(, "event": "log", "message": "x"})"
                 "\n";
    }
    lines += R"({"seq": 30000, "event": "log", "message": ")" + std::string(1500000, 'y') + "\"}\n";
    std::ofstream(job_->events()) << lines;
    JobState state;
    state.phase = "done";
    job_->writeState(state);
    JobFollower follower(*job_, 0, {});
    const auto frames = drainToEnd(follower);
    EXPECT_GT(frames.size(), 3U);
    EXPECT_EQ(eventsOf(frames), lines);
    EXPECT_EQ(frames.back().kind, Kind::End);
}

TEST_F(FollowTest, TheParserTakesPiecesOfAnySize) {
    const std::string stream = encodeFrame({Kind::Events, 7, "a\nb\n"}) + encodeFrame({}) +
                               encodeFrame({Kind::State, 0, "{}"}) +
                               encodeFrame({Kind::End, 0, {}});
    for (size_t piece = 1; piece <= stream.size(); ++piece) {
        FollowParser parser;
        std::vector<FollowFrame> frames;
        for (size_t at = 0; at < stream.size(); at += piece) {
            for (FollowFrame& frame : parser.feed(std::string_view(stream).substr(at, piece))) {
                frames.push_back(std::move(frame));
            }
        }
        ASSERT_EQ(frames.size(), 4U) << piece;
        EXPECT_EQ(frames[0].offset, 7);
        EXPECT_EQ(frames[0].bytes, "a\nb\n");
        EXPECT_EQ(frames[1].kind, Kind::Beat);
        EXPECT_EQ(frames[2].bytes, "{}");
        EXPECT_EQ(frames[3].kind, Kind::End);
    }
}

TEST_F(FollowTest, TheParserRefusesWhatIsNoStream) {
    for (const std::string& text :
         {std::string("Welcome to gpu-3!\n"), std::string("events 1\n"), std::string("state -1\n"),
          std::string("state 99999999999999999999\n"), std::string("state 99999999999\n"),
          std::string("beat 1\n"), std::string(200, 'x')}) {
        FollowParser parser;
        EXPECT_EQ(test::codeOf([&] { parser.feed(text); }), "job.follow") << text;
    }
}

TEST_F(FollowTest, APausedWorkerWaitsAtItsNextStep) {
    const JobLock lock(*job_);
    EventWriter events(job_->events(), "j");
    JobProgress progress(*job_, events);
    progress.stage("s");
    job_->requestPause();
    std::jthread worker([&] { progress.advance(5, 5); });
    ASSERT_TRUE(until([&] { return job_->visiblePhase() == "paused"; }));
    EXPECT_FALSE(isFinalPhase("paused"));
    job_->requestContinue();
    worker.join();
    EXPECT_EQ(job_->visiblePhase(), "running");
    EXPECT_THAT(this->events(),
                testing::AllOf(testing::HasSubstr("Paused."), testing::HasSubstr("Going on.")));
}

TEST_F(FollowTest, APausedWorkerCanBeCancelledAndKilled) {
    auto lock = std::make_unique<JobLock>(*job_);
    EventWriter events(job_->events(), "j");
    std::stop_source source;
    JobProgress progress(*job_, events, source.get_token());
    progress.stage("s");
    job_->requestPause();
    {
        std::jthread worker([&] { progress.advance(5, 5); });
        ASSERT_TRUE(until([&] { return job_->visiblePhase() == "paused"; }));
        lock.reset();
        EXPECT_EQ(job_->visiblePhase(), "lost");
        source.request_stop();
    }
    job_->requestCancel();
    job_->requestPause();
    EXPECT_TRUE(job_->cancelRequested()) << "a pause takes back no cancel";
    job_->requestContinue();
    EXPECT_TRUE(job_->cancelRequested());
}

TEST_F(FollowTest, AWorkerThatCannotStartIsSaidSo) {
    EXPECT_EQ(test::codeOf([&] { startWorker(*job_, root_ / "nothing"); }), "job.no-worker");
    const fs::path program = root_ / "program";
    std::ofstream(program) << "#!/bin/sh\necho 'caldera: There is no model.' >&2\nexit 1\n";
    fs::permissions(program, fs::perms::owner_all);
    const pid_t process = startWorker(*job_, program);
    ASSERT_TRUE(until([&] { return settleUnstarted(*job_, process); }));
    EXPECT_EQ(job_->state().phase, "failed");
    EXPECT_EQ(job_->state().code, "job.worker-ended");
    EXPECT_EQ(job_->state().message, "There is no model.");
}

} // namespace
} // namespace caldera
