// kill -9 in the middle of `caldera compress`, then --resume: the artifact is the same.
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/job/job_folder.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/support/program.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using test::Program;

class Resume : public testing::Test {
protected:
    static constexpr size_t kCells = 14; ///< of the two layers that are not skipped

    void SetUp() override {
        fs::create_directories(root_);
        Plan plan = defaultPlan(model_.string(), openModel(model_)->config);
        plan.skipLayers = {"model.layers.[2-7].*"};
        plan.calibration.tokens = 1024;
        savePlan(plan, root_ / "plan.yaml");
    }
    void TearDown() override { fs::remove_all(root_); }

    std::vector<std::string> compressTo(const fs::path& out) const {
        return {"compress", model_.string(), "--plan",    (root_ / "plan.yaml").string(),
                "--out",    out.string(),    "--threads", "1"};
    }
    static size_t cellsIn(const fs::path& work) {
        std::error_code error;
        size_t count = 0;
        for (const auto& entry : fs::directory_iterator(work / "cells", error)) {
            count += entry.path().extension() == ".safetensors" ? 1 : 0;
        }
        return count;
    }

    fs::path model_ = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";
    fs::path root_ = fs::temp_directory_path() / ("caldera-resume-" + std::to_string(::getpid()));
};

TEST_F(Resume, AfterKillGivesTheSameArtifact) {
    const fs::path whole = root_ / "whole";
    ASSERT_EQ(Program(compressTo(whole)).exitCode(), 0);
    EXPECT_FALSE(fs::exists(root_ / "whole.work"));

    const fs::path out = root_ / "resumed";
    const fs::path work = root_ / "resumed.work";
    size_t finished = 0;
    for (const size_t untilCells : {3U, 9U}) {
        std::vector<std::string> words = compressTo(out);
        if (finished > 0) {
            words.emplace_back("--resume");
        }
        Program program(words);
        while (program.running() && cellsIn(work) < untilCells) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        program.kill();
        finished = cellsIn(work);
        ASSERT_GE(finished, untilCells);
        ASSERT_LT(finished, kCells);
        EXPECT_FALSE(fs::exists(out));
    }

    // Without --resume finished work is never thrown away or taken up unasked.
    EXPECT_EQ(Program(compressTo(out)).exitCode(), 1);
    EXPECT_EQ(cellsIn(work), finished);

    // The number of threads is that of the earlier run when none is given.
    ASSERT_EQ(Program({"compress", model_.string(), "--plan", (root_ / "plan.yaml").string(),
                       "--out", out.string(), "--resume"})
                  .exitCode(),
              0);
    EXPECT_EQ(Artifact::open(out)->hash(), Artifact::open(whole)->hash());
    EXPECT_FALSE(fs::exists(work));
}

/// Two shards by the program, the second killed in the middle, merged.
TEST_F(Resume, AfterKillOfAShardMergeGivesTheSameArtifact) {
    const fs::path whole = root_ / "whole";
    ASSERT_EQ(Program(compressTo(whole)).exitCode(), 0);
    const auto shardTo = [&](const fs::path& out, const char* layers) {
        std::vector<std::string> words = compressTo(out);
        words.insert(words.end(), {"--layers", layers});
        return words;
    };
    ASSERT_EQ(Program(shardTo(root_ / "a", "0:1")).exitCode(), 0);
    const fs::path second = root_ / "b";
    {
        Program program(shardTo(second, "1:8"));
        while (program.running() && cellsIn(second) < 3) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    } // killed
    ASSERT_GE(cellsIn(second), 3U);
    const std::vector<std::string> merge = {"merge", second.string(), (root_ / "a").string(),
                                            "--out", (root_ / "merged").string()};
    EXPECT_EQ(Program(merge).exitCode(), 1) << "the second is not finished";
    EXPECT_EQ(Program(shardTo(second, "1:8")).exitCode(), 1) << "without --resume";
    std::vector<std::string> resumed = shardTo(second, "1:8");
    resumed.emplace_back("--resume");
    ASSERT_EQ(Program(resumed).exitCode(), 0);
    ASSERT_EQ(Program(merge).exitCode(), 0);
    EXPECT_EQ(Artifact::open(root_ / "merged")->hash(), Artifact::open(whole)->hash());
}

/// A compression as a job, which gets another plan while it works.
class Revise : public Resume {
protected:
    void SetUp() override {
        Resume::SetUp();
        Plan plan = loadPlan(root_ / "plan.yaml");
        plan.layerOverrides = {{"model.layers.0.mlp.down_proj", {}}, // finished by then
                               {"model.layers.1.self_attn.o_proj", {}}};
        plan.layerOverrides[0].second.bits = 3;
        plan.layerOverrides[1].second.rank = 16;
        savePlan(plan, root_ / "other.yaml");
    }
    std::vector<std::string> work() const {
        std::vector<std::string> words = compressTo(root_ / "out");
        words.insert(words.end(), {"--job", job_.string()});
        return words;
    }
    std::vector<std::string> revise() const {
        return {"job", "revise", job_.string(), "--plan", (root_ / "other.yaml").string()};
    }
    static void waitForCells(const Program& program, const fs::path& work, size_t count) {
        while (program.running() && cellsIn(work) < count) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    /// The hash of a run that had the other plan from its beginning.
    std::string hashOfFreshRun() const {
        std::vector<std::string> words = compressTo(root_ / "fresh");
        words[3] = (root_ / "other.yaml").string();
        EXPECT_EQ(Program(words).exitCode(), 0);
        return Artifact::open(root_ / "fresh")->hash();
    }
    /// Of the job's last start or revision, cells that were found finished.
    int reusedAtTheEnd() const {
        int reused = 0;
        for (const Event& event : EventReader(job_ / "events.jsonl").poll()) {
            if (event.kind == "hello" || event.kind == "revision") {
                reused = 0;
            }
            reused += event.kind == "cell" && event.body.value("reused", false) ? 1 : 0;
        }
        return reused;
    }

    fs::path job_ = root_ / "job";
};

TEST_F(Revise, InMidRunEndsAsAFreshRunOfTheOtherPlan) {
    Program worker(work());
    waitForCells(worker, job_, 8);
    const JobFolder folder(job_);
    folder.requestPause(); // so that a fast machine is not done before
    ASSERT_EQ(Program(revise()).exitCode(), 0);
    folder.requestContinue();
    ASSERT_EQ(worker.exitCode(), 0);
    EXPECT_GE(reusedAtTheEnd(), 7) << "only down_proj of layer 0 was finished and changed";
    EXPECT_EQ(Artifact::open(root_ / "out")->hash(), hashOfFreshRun());
    EXPECT_EQ(Program(revise()).exitCode(), 1) << "the job is over";
}

TEST_F(Revise, SurvivesKillsBeforeAndAfter) {
    {
        Program worker(work());
        waitForCells(worker, job_, 9);
    } // killed
    ASSERT_EQ(Program(revise()).exitCode(), 0) << "nobody works; the next worker takes it up";
    {
        Program worker(work());
        waitForCells(worker, job_, 11);
    }
    Program worker(work());
    ASSERT_EQ(worker.exitCode(), 0);
    EXPECT_GE(reusedAtTheEnd(), 9);
    EXPECT_EQ(Artifact::open(root_ / "out")->hash(), hashOfFreshRun());
}

TEST_F(Revise, RefusesAPlanOfAnotherModelAndLeavesTheJobAlone) {
    Plan plan = loadPlan(root_ / "plan.yaml");
    plan.layerOverrides = {{"model.layers.50.mlp.down_proj", {}}};
    savePlan(plan, root_ / "other.yaml");
    Program worker(work());
    waitForCells(worker, job_, 2);
    EXPECT_EQ(Program(revise()).exitCode(), 1);
    EXPECT_FALSE(fs::exists(job_ / "plan.yaml"));
    EXPECT_EQ(worker.exitCode(), 0);
}

} // namespace
} // namespace caldera
