// What `--check` says of the disk against the most that the same command then has there at once: a
// "fits" must never be wrong. Plans are chosen so that each part of the estimate is once the
// largest.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/model/config.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/preflight/preflight.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const fs::path kDemo = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";

/// Of all files below; what goes away meanwhile does not count.
int64_t bytesIn(const fs::path& folder) {
    int64_t bytes = 0;
    std::error_code gone;
    for (auto entry = fs::recursive_directory_iterator(folder, gone);
         entry != fs::recursive_directory_iterator(); entry.increment(gone)) {
        const auto size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
        bytes += gone ? 0 : static_cast<int64_t>(size);
    }
    return bytes;
}

class PreflightDisk : public testing::Test {
protected:
    PreflightDisk() {
        for (const char* variable : {"XDG_STATE_HOME", "XDG_CACHE_HOME"}) {
            ::setenv(variable, (written() / "home").c_str(), 1);
        }
        fs::create_directories(written());
    }
    /// Everything that a command writes lies below.
    fs::path written() const { return folder_ / "written"; }
    /// Writes a plan for the demo model's first layer that `change` made its own.
    template <class Change>
    std::string plan(const Change& change) const {
        Plan plan = defaultPlan(kDemo.string(), openModel(kDemo)->config);
        plan.skipLayers = {"model.layers.[1-7].*"};
        plan.patternOverrides.clear();
        plan.defaults.outerIterations = 1;
        plan.calibration.tokens = 1024;
        plan.calibration.sequenceLength = 256;
        change(plan);
        savePlan(plan, folder_ / "plan.yaml");
        return (folder_ / "plan.yaml").string();
    }
    static int64_t estimateOf(Words words) {
        words.insert(words.end(), {"--check", "--json"});
        test::Program program(words);
        const std::string answer = program.readAll();
        EXPECT_EQ(program.exitCode(), 0) << answer;
        int64_t bytes = 0;
        for (const PreflightItem& item : preflightFromJson(answer).items) {
            bytes += item.name == "disk" ? item.needed : 0;
        }
        return bytes;
    }
    /// `mostAbove`: bytes that the estimate may have to spare.
    void expectEnough(const Words& words, int64_t mostAbove) {
        const int64_t before = bytesIn(written());
        const int64_t estimate = estimateOf(words);
        int64_t most = 0;
        test::Program program(words);
        while (program.running()) {
            most = std::max(most, bytesIn(written()) - before);
        }
        EXPECT_EQ(program.exitCode(), 0) << words[0];
        most = std::max(most, bytesIn(written()) - before);
        testing::Test::RecordProperty(words[0], std::to_string(estimate) + " bytes estimated, " +
                                                    std::to_string(most) + " bytes taken");
        EXPECT_GT(most, 0) << words[0];
        EXPECT_GE(estimate, most) << words[0];
        EXPECT_LT(estimate, most + mostAbove) << words[0];
    }
    Words compressing(const std::string& plan) const {
        return {"compress", kDemo.string(),
                "--plan",   plan,
                "--out",    (written() / "artifact").string(),
                "--work",   (written() / "work").string()};
    }

    test::ScratchFolder folder_;
};

constexpr int64_t kSpare = int64_t{24} << 20;

TEST_F(PreflightDisk, CoversAPlanOfTheTrellis) {
    expectEnough(compressing(plan([](Plan& plan) { plan.defaults.rank = 0; })), kSpare);
}

TEST_F(PreflightDisk, CoversLargeFactors) {
    expectEnough(compressing(plan([](Plan& plan) { plan.defaults.rank = 64; })), kSpare);
}

TEST_F(PreflightDisk, CoversWhatStaysAsItIs) {
    expectEnough(compressing(plan([](Plan& plan) { plan.skipLayers = {"*"}; })), kSpare);
}

TEST_F(PreflightDisk, CoversTheHiddenStatesOfALongText) {
    expectEnough(
        compressing(plan([](Plan& plan) { // something in each layer, so that all are passed
            plan.skipLayers = {"*.[qvo]_proj", "*.gate_proj", "*.up_proj", "*.down_proj"};
            plan.defaults.rank = 0;
            plan.calibration.tokens = 1 << 14;
        })),
        kSpare);
}

TEST_F(PreflightDisk, CoversAPartOfAModel) {
    const std::string file = plan([](Plan& plan) { plan.defaults.rank = 16; });
    expectEnough({"compress", kDemo.string(), "--plan", file, "--layers", "0:1", "--out",
                  (written() / "shard").string()},
                 kSpare);
}

TEST_F(PreflightDisk, CoversMeasuringAndEvaluating) {
    expectEnough({"fidelity", kDemo.string(), "--metric", "proxy", "--options", "none",
                  "--calibration-tokens", "8192", "--out", (written() / "fidelity.h5").string(),
                  "--work", (written() / "work").string()},
                 kSpare);
    expectEnough({"evaluate", kDemo.string(), "--reference", kDemo.string(), "--max-tokens", "4096",
                  "--keep-reference", "--out", (written() / "evaluation.h5").string()},
                 2 * kSpare);
}

} // namespace
} // namespace caldera
