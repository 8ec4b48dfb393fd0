// caldera bench decode: whole steps of a model of some shape on a GPU, with random weights, or of
// an artifact.
#include "app/cli/benches.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/bench_artifact.h"
#include "app/cli/bench_shapes.h"
#include "app/cli/engine_options.h"
#include "core/base/error.h"
#include "core/runtime/cuda/decode_timing.h"
#include "kernels/step/step.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string shape = "qwen2-72b";
    std::string codec = "trellis-v4k8m4";
    int rank = 64;
    int context = 8192;
    std::optional<int> position = {}; ///< default: 1023, or what there is room for
    std::vector<int> chats = {1};
    std::vector<int> prompts = {};
    int cacheBits = 16;
    std::optional<int> activationBits = {}; ///< default: 8 of a shape, an artifact's best
    std::filesystem::path artifact;         ///< timed in the place of a shape
    ArtifactSteps steps;
    std::string device = "auto";
};

/// Tokens before the one that is timed, of which `room` fit.
int positionIn(const Options& options, int room) {
    constexpr int kUsual = 1023;
    return options.position.value_or(std::clamp(room, 1, kUsual));
}

void check(const Options& options, int position) {
    const auto requireRoom = [&](const std::string& what, int tokens) {
        if (tokens > options.context) {
            throw Error("bench.context",
                        what + " of " + std::to_string(tokens) +
                            " tokens was asked for; the context has " +
                            std::to_string(options.context) + ". Raise --context.",
                        {{"tokens", std::to_string(tokens)}});
        }
    };
    requireRoom("A conversation", position + 1);
    for (const int tokens : options.prompts) {
        requireRoom("A prompt", tokens);
    }
}

DecodeShape decodeShape(const Options& options) {
    DecodeShape shape;
    shape.position = positionIn(options, options.context - 1);
    check(options, shape.position);
    shape.config = shapeConfig(options.shape);
    shape.code = gpuCode(options.codec);
    shape.rank = options.rank;
    shape.contextLength = options.context;
    shape.chats = options.chats;
    shape.prompts = options.prompts;
    shape.cacheBits = options.cacheBits;
    shape.activationBits = options.activationBits.value_or(8);
    return shape;
}

Json phaseReport(const std::vector<double>& phases) {
    return {{"embed", phases[0]},
            {"products", phases[1]},
            {"finish", phases[2]},
            {"attention", phases[3]},
            {"combine", phases[4]}};
}

Json report(const Options& options, const DecodeShape& shape, const DecodeTimings& timings) {
    Json steps = Json::array();
    for (const DecodeTiming& step : timings.steps) {
        steps.push_back({{"chats", step.chats},
                         {"microseconds", step.microseconds},
                         {"tokens_per_second", 1e6 * step.chats / step.microseconds},
                         {"phase_microseconds", phaseReport(step.phases)}});
    }
    Json prompts = Json::array();
    for (const PromptTiming& prompt : timings.prompts) {
        prompts.push_back({{"tokens", prompt.tokens},
                           {"seconds", prompt.seconds},
                           {"fp16_cublas_seconds", prompt.denseSeconds},
                           {"tokens_per_second", prompt.tokens / prompt.seconds}});
    }
    return {{"shape", options.shape},
            {"codec", options.codec},
            {"rank", options.rank},
            {"context", options.context},
            {"position", shape.position},
            {"cache_bits", options.cacheBits},
            {"activation_bits", shape.activationBits},
            {"weight_bytes", timings.weightBytes},
            {"device_bytes", timings.deviceBytes},
            {"expected_device_bytes", timings.expectedBytes},
            {"steps", steps},
            {"prompts", prompts},
            {"choice_microseconds", timings.choiceMicroseconds}};
}

void print(const Options& options, const DecodeShape& shape, const DecodeTimings& timings) {
    std::cout << std::fixed << std::setprecision(1) << options.shape << ", " << options.codec
              << ", rank " << options.rank << ", token " << shape.position + 1 << ": "
              << static_cast<double>(timings.weightBytes) / 1e9 << " GB of weights a step, "
              << std::setprecision(2) << static_cast<double>(timings.deviceBytes) / (1 << 30)
              << " GiB of GPU memory (" << static_cast<double>(timings.expectedBytes) / (1 << 30)
              << " expected)\n"
              << std::setprecision(1);
    for (const DecodeTiming& step : timings.steps) {
        std::cout << step.chats << (step.chats == 1 ? " chat: " : " chats: ") << step.microseconds
                  << " us a step, " << 1e6 * step.chats / step.microseconds << " tok/s; products "
                  << step.phases[1] << " us, finishing them " << step.phases[2] << ", attention "
                  << step.phases[3] << " + " << step.phases[4] << "\n";
    }
    for (const PromptTiming& prompt : timings.prompts) {
        std::cout << "a prompt of " << prompt.tokens << " tokens: " << 1e3 * prompt.seconds
                  << " ms, " << prompt.tokens / prompt.seconds << " tok/s; "
                  << 100 * prompt.denseSeconds / prompt.seconds
                  << " % of the speed of fp16 cuBLAS, whose linears take "
                  << 1e3 * prompt.denseSeconds << " ms\n";
    }
    std::cout << "choosing a token after a step: " << timings.choiceMicroseconds << " us\n";
}

/// Of the artifact, where one was given.
void runArtifact(const Options& options, const Invocation& invocation) {
    ArtifactSteps steps = options.steps;
    steps.artifact = Artifact::open(options.artifact);
    steps.position = positionIn(options, steps.artifact->config().maxPositions - steps.tokens);
    if (steps.position < 1) {
        throw Error(
            "bench.position",
            "--position: 0 was given; an artifact's first timed token has at least 1 before "
            "it.");
    }
    steps.settings.device = engineDevice(options.device);
    steps.settings.cacheBits = options.cacheBits;
    steps.settings.activationBits = options.activationBits.value_or(0);
    const Json document = timeArtifact(steps, invocation.stop);
    if (invocation.json) {
        std::cout << document.dump(2) << '\n';
        return;
    }
    const Json& step = document.at("steps").at(0);
    std::cout << std::fixed << std::setprecision(1) << document.at("model").get<std::string>()
              << " on " << document.at("device").get<std::string>() << ", tokens "
              << steps.position + 1 << " to " << steps.position + steps.tokens << ": "
              << step.at("microseconds").get<double>() << " us a token (median), "
              << step.at("tokens_per_second").get<double>() << " tok/s\n";
}

void runShape(const Options& options, const Invocation& invocation) {
    const DecodeShape shape = decodeShape(options);
    const DecodeTimings timings = timeDecode(shape, invocation.stop);
    if (invocation.json) {
        std::cout << report(options, shape, timings).dump(2) << '\n';
    } else {
        print(options, shape, timings);
    }
}

CLI::Option* addArtifactOptions(CLI::App& app, Options& options) {
    CLI::Option* artifact = app.add_option("ARTIFACT", options.artifact,
                                           "Folder of a compressed model, timed in the place of a "
                                           "shape")
                                ->type_name("FOLDER");
    app.add_option("--device", options.device, "Of an artifact: auto, cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->capture_default_str();
    app.add_option("--threads", options.steps.settings.threads,
                   "Of an artifact: threads that compute (default: all cores)")
        ->check(between(1, 1024));
    app.add_option("--tokens", options.steps.tokens, "Of an artifact: tokens that are timed")
        ->check(between(8, 1 << 16))
        ->capture_default_str();
    return artifact;
}

/// An artifact has a shape of its own.
void addShapeOptions(CLI::App& app, Options& options, CLI::Option& artifact) {
    artifact.excludes(
        app.add_option("--shape", options.shape, "qwen2-72b, qwen2-7b, qwen2-0.5b or demo")
            ->check(shapeComplaint)
            ->capture_default_str());
    artifact.excludes(app.add_option("--codec", options.codec, "Id of the codec of all linears")
                          ->capture_default_str());
    artifact.excludes(app.add_option("--rank", options.rank, "Rank of L and R, in 4 bits")
                          ->check(rankComplaint)
                          ->capture_default_str());
    artifact.excludes(
        app.add_option("--context", options.context, "Tokens that a chat has room for")
            ->check(between(1, 1 << 20))
            ->capture_default_str());
    artifact.excludes(
        app.add_option("--chats", options.chats, "Chats at once; several counts with commas")
            ->delimiter(',')
            ->check(between(1, kernels::kStepSequences))
            ->capture_default_str());
    artifact.excludes(app.add_option("--prompt", options.prompts,
                                     "Also time prompts of so many tokens; several with commas")
                          ->delimiter(',')
                          ->check(between(1, 1 << 20)));
}

/// Of a shape or an artifact.
void addStepOptions(CLI::App& app, Options& options) {
    app.add_option("--position", options.position,
                   "Tokens before the one that is timed (default: 1023, or what there is room for)")
        ->check(between(0, (1 << 20) - 1));
    app.add_option("--kv-bits", options.cacheBits, "Bits of keys and values")
        ->check(CLI::IsMember({16, 8}))
        ->capture_default_str();
    app.add_option("--activation-bits", options.activationBits,
                   "Bits of rounded inputs (default: 8; of an artifact, what the device does best)")
        ->check(CLI::IsMember({16, 8}));
}

} // namespace

void addDecodeBench(CLI::App& bench, const std::function<void(BenchRun)>& choose) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = bench.add_subcommand(
        "decode", "Time whole decode steps: of a model's shape on a GPU, or of "
                  "an artifact");
    app->fallthrough();
    CLI::Option* artifact = addArtifactOptions(*app, *options);
    addShapeOptions(*app, *options, *artifact);
    addStepOptions(*app, *options);
    app->callback([options, choose, artifact] {
        const bool hasArtifact = artifact->count() > 0;
        choose([options, hasArtifact](const Invocation& invocation) {
            if (hasArtifact) {
                runArtifact(*options, invocation);
            } else {
                runShape(*options, invocation);
            }
        });
    });
}

} // namespace caldera::cli
