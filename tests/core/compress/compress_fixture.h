// A tiny model that is compressed in a folder of its own, for tests of whatever compresses.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/compress/compress.h"
#include "core/linalg/numerics.h"
#include "tests/core/artifact/artifact_samples.h"
#include "tests/support/code_of.h"

namespace caldera {

using test::codeOf;

namespace fs = std::filesystem;

/// Counts cells and can ask for a stop after some of them.
class Recorder final : public Progress {
public:
    void stage(const std::string& name) override { stages.push_back(name); }
    void advance(int64_t done, int64_t total) override {
        first = first.value_or(std::pair(done, total));
        last = {done, total};
    }
    void event(const std::string& kind, nlohmann::json fields) override {
        if (kind == "cell") {
            (fields.at("reused").get<bool>() ? reused : made) += 1;
            if (made == stopAfter) {
                stop.request_stop();
            }
        }
        if (kind == "log") {
            logs.push_back(fields.at("message"));
        }
    }

    int made = 0;
    int reused = 0;
    int stopAfter = -1;
    std::optional<std::pair<int64_t, int64_t>> first;
    std::pair<int64_t, int64_t> last;
    std::vector<std::string> stages;
    std::vector<std::string> logs;
    std::stop_source stop;
};

class Compress : public testing::Test {
protected:
    static constexpr int kCells = 14;

    void SetUp() override {
        fixNumerics(1);
        fs::remove_all(root_);
        ModelConfig config = tinyConfig();
        config.vocabSize = 2048; // the tokenizer's
        request_.model = tinyModel(config);
        request_.plan = defaultPlan("tiny", config);
        request_.plan.calibration.tokens = 256;
        request_.plan.calibration.sequenceLength = 64;
        request_.plan.defaults.codec = "e8p"; // the quickest
        request_.plan.defaults.outerIterations = 1;
        request_.plan.defaults.innerIterations = 1;
        request_.work = root_ / "work";
        request_.out = root_ / "out";
    }
    void TearDown() override { fs::remove_all(root_); }

    CompressResult run(Recorder& recorder) {
        return compress(request_, recorder, recorder.stop.get_token());
    }
    CompressResult run() {
        Recorder recorder;
        return run(recorder);
    }
    /// The hash that a run gives in folders of its own.
    std::string freshHash() {
        CompressRequest other = request_;
        other.work = root_ / "fresh-work";
        other.out = root_ / "fresh-out";
        fs::remove_all(other.work);
        fs::remove_all(other.out);
        Recorder recorder;
        return compress(other, recorder, recorder.stop.get_token()).artifactHash;
    }

    fs::path root_ = fs::temp_directory_path() / ("caldera-compress-" + std::to_string(::getpid()));
    CompressRequest request_;
};

} // namespace caldera
