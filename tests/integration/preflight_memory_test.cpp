// What `--check` says of memory against the peak that the same command then has: a "fits" must
// never be wrong. Shapes are chosen so that each part of the estimate is once the largest.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/model/config.h"
#include "core/model/safetensors.h"
#include "core/plan/plan.h"
#include "core/preflight/preflight.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const fs::path kDemo = fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model";

/// A model of random weights with the demo model's tokenizer.
void writeRandomModel(const ModelConfig& config, const fs::path& folder) {
    fs::create_directories(folder);
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
        fs::copy_file(kDemo / name, folder / name);
    }
    std::ofstream(folder / "config.json") << configToJson(config).dump(2);
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.02F);
    SafetensorsWriter writer;
    std::vector<std::vector<float>> kept;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, bool isNorm) {
        size_t count = 1;
        for (const int64_t size : shape) {
            count *= static_cast<size_t>(size);
        }
        std::vector<float>& values = kept.emplace_back(count, 1.0F);
        for (float& value : values) {
            value = isNorm ? 1.0F : normal(random);
        }
        writer.add(name, "F32", std::move(shape), std::as_bytes(std::span(values)));
    };
    kept.reserve(1000);
    add("model.embed_tokens.weight", {config.vocabSize, config.hiddenSize}, false);
    add("model.norm.weight", {config.hiddenSize}, true);
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        add(prefix + "input_layernorm.weight", {config.hiddenSize}, true);
        add(prefix + "post_attention_layernorm.weight", {config.hiddenSize}, true);
        for (const Module module : kModules) {
            const MatrixShape shape = config.shapeOf(module);
            const std::string name = cellName({layer, module});
            add(name + ".weight", {shape.rows, shape.columns}, false);
        }
    }
    writer.write(folder / "model.safetensors");
}

ModelConfig shape(int hidden, int intermediate) {
    ModelConfig config;
    config.architecture = "llama";
    config.hiddenSize = hidden;
    config.intermediateSize = intermediate;
    config.layerCount = 1;
    config.headCount = hidden / 64;
    config.kvHeadCount = 1;
    config.headSize = 64;
    config.vocabSize = 2048;
    config.maxPositions = 2048;
    config.tiedEmbeddings = true;
    return config;
}

/// Runs `caldera` and returns the most resident memory that it had.
int64_t peakOf(Words words) {
    words.insert(words.begin(), CALDERA_PROGRAM);
    const pid_t process = ::fork();
    if (process == 0) {
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        ::execv(arguments.front(), arguments.data());
        ::_exit(127);
    }
    int status = 0;
    struct rusage usage {};
    ::wait4(process, &status, 0, &usage);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << words[1];
    return int64_t{usage.ru_maxrss} * 1024;
}

/// The most resident memory of a server by now.
int64_t peakOf(const test::Program& server) {
    std::ifstream status("/proc/" + std::to_string(server.id()) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) {
            return std::stoll(line.substr(6)) * 1024;
        }
    }
    return 0;
}

/// Serves by these words and lets as many chats at once fill half of their context.
int64_t peakOfServing(Words words, int chats, int context) {
    words.insert(words.end(), {"--port", "0", "--exit-with-parent"});
    test::Program server(words);
    const auto line = nlohmann::json::parse(server.readLine());
    std::string text;
    while (static_cast<int>(text.size()) < context) { // two letters a token and more
        text += "Water boils at " + std::to_string(text.size()) + ". ";
    }
    const nlohmann::json question{{"messages", {{{"role", "user"}, {"content", text}}}},
                                  {"max_tokens", 16}};
    std::vector<std::jthread> asking;
    std::atomic<int> answered = 0;
    for (int chat = 0; chat < chats; ++chat) {
        asking.emplace_back([&] {
            httplib::Client client("127.0.0.1", line.at("port").get<int>());
            client.set_read_timeout(std::chrono::minutes(2));
            client.set_bearer_token_auth(line.at("token").get<std::string>());
            const auto answer =
                client.Post("/v1/chat/completions", question.dump(), "application/json");
            answered += answer && answer->status == 200 ? 1 : 0;
        });
    }
    asking.clear();
    EXPECT_EQ(answered, chats);
    return peakOf(server);
}

int64_t estimateOf(Words words) {
    words.insert(words.end(), {"--check", "--json"});
    test::Program program(words);
    const std::string answer = program.readAll();
    EXPECT_EQ(program.exitCode(), 0) << answer;
    const Preflight checked = preflightFromJson(answer);
    EXPECT_EQ(checked.items.front().name, "memory");
    return checked.items.front().needed;
}

/// Above what was taken, and not so far above that it would refuse what fits easily.
void expectEnough(const Words& words, int64_t estimate, int64_t peak, double mostAbove) {
    const std::string name = words[0] + (words[2] == "--metric" ? "-" + words[3] : "");
    testing::Test::RecordProperty(name, std::to_string(estimate >> 20) + " MiB estimated, " +
                                            std::to_string(peak >> 20) + " MiB taken");
    EXPECT_GE(estimate, peak) << words[0];
    EXPECT_LT(static_cast<double>(estimate), mostAbove * static_cast<double>(peak)) << words[0];
}

void expectEnough(const Words& words, double mostAbove) {
    const int64_t estimate = estimateOf(words); // before there is a result in its folder
    expectEnough(words, estimate, peakOf(words), mostAbove);
}

class PreflightMemory : public testing::Test {
protected:
    static void expectEnoughToServe(const std::string& model) {
        constexpr int kChats = 8;
        constexpr int kContext = 512; // the most that the demo model takes
        const Words words{"serve",     model,
                          "--chats",   std::to_string(kChats),
                          "--context", std::to_string(kContext),
                          "--device",  "cpu"};
        expectEnough(words, estimateOf(words), peakOfServing(words, kChats, kContext), 3);
    }
    /// Compresses only the cells whose names fit, quickly.
    Words compressing(const ModelConfig& config, const std::string& onlyModule, int64_t tokens) {
        const fs::path model = folder_ / "model";
        writeRandomModel(config, model);
        Plan plan = defaultPlan(model.string(), config);
        plan.defaults.rank = 0;
        plan.patternOverrides.clear();
        plan.defaults.outerIterations = 1;
        plan.calibration.tokens = tokens;
        for (const Module module : kModules) {
            if (moduleName(module) != onlyModule) {
                plan.skipLayers.push_back("*." + std::string(moduleName(module)));
            }
        }
        savePlan(plan, folder_ / "plan.yaml");
        return {"compress", model.string(),
                "--plan",   (folder_ / "plan.yaml").string(),
                "--out",    (folder_ / "out").string()};
    }

    test::ScratchFolder folder_;
};

TEST_F(PreflightMemory, CoversAWideInputWhoseHessianIsTheLargest) {
    expectEnough(compressing(shape(64, 4096), "down_proj", 4096), 2.5);
}

TEST_F(PreflightMemory, CoversALargeMatrix) {
    expectEnough(compressing(shape(1024, 1408), "o_proj", 1024), 2.5);
}

TEST_F(PreflightMemory, CoversTheHiddenStatesOfALongText) {
    expectEnough(compressing(shape(512, 64), "k_proj", 1 << 17), 2.5);
}

TEST_F(PreflightMemory, CoversCompressingAndEvaluatingTheDemoModel) {
    const std::string model = kDemo.string();
    const std::string artifact = (folder_ / "artifact").string();
    Plan plan = defaultPlan(model, shape(192, 512));
    plan.skipLayers = {"model.layers.[1-7].*"};
    plan.calibration.tokens = 4096;
    plan.calibration.sequenceLength = 512;
    savePlan(plan, folder_ / "plan.yaml");
    const std::string planFile = (folder_ / "plan.yaml").string();
    expectEnough({"compress", model, "--plan", planFile, "--out", artifact}, 2.5);
    expectEnough({"evaluate", artifact, "--reference", model, "--max-tokens", "2048"}, 2.5);
    expectEnoughToServe(artifact);
}

TEST_F(PreflightMemory, CoversServingAModelAsItIs) {
    expectEnoughToServe(kDemo.string());
}

TEST_F(PreflightMemory, CoversEveryMetricOfAMeasurement) {
    const ModelConfig config = shape(256, 512);
    const fs::path model = folder_ / "model";
    writeRandomModel(config, model);
    for (const char* metric : {"proxy", "kl", "sipit", "lens"}) {
        expectEnough({"fidelity", model.string(), "--metric", metric, "--options", "none",
                      "--calibration-tokens", "2048", "--text-tokens", "256", "--places", "8",
                      "--candidates", "16", "--out",
                      (folder_ / (std::string(metric) + ".h5")).string()},
                     3);
    }
}

TEST_F(PreflightMemory, CoversManyTokensThatStatesAreComparedWith) {
    const fs::path model = folder_ / "model";
    writeRandomModel(shape(64, 64), model);
    expectEnough({"fidelity", model.string(), "--metric", "lens", "--text-tokens", "4096",
                  "--negatives", "400000", "--out", (folder_ / "lens.h5").string()},
                 3);
}

TEST_F(PreflightMemory, RefusesWhatDoesNotFitUnlessForced) {
    // More tokens than any machine has memory for; the text gives fewer, so --force works.
    Words words = compressing(shape(64, 64), "k_proj", int64_t{1} << 40);
    EXPECT_EQ(test::Program(words).exitCode(), 1);
    EXPECT_FALSE(fs::exists(folder_ / "out"));
    words.emplace_back("--force");
    EXPECT_EQ(test::Program(words).exitCode(), 1) << "the disk is asked for as well";
}

} // namespace
} // namespace caldera
