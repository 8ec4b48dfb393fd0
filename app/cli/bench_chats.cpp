// caldera bench chats: how fast an artifact answers, over lengths of prompts and chats at once.
#include "app/cli/benches.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "app/cli/bench_artifact.h"
#include "app/cli/chats_point.h"
#include "app/cli/engine_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/runtime/backend.h"
#include "core/runtime/read_bandwidth.h"
#include "kernels/common/copy_speed.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;

struct Options {
    EngineOptions engine;
    std::vector<int> prompts = {128, 512};
    std::vector<int> chats = {1, 4};
    int tokens = 64;
    uint64_t seed = 1;
};

/// Asks all prompts at once. Throws what an answer threw, and Cancelled.
std::vector<GenerationStatistics> answerAll(Engine& engine,
                                            const std::vector<std::vector<Token>>& prompts,
                                            int tokens, const std::stop_token& stop) {
    SamplingOptions sampling;
    sampling.temperature = 0;
    sampling.maxTokens = tokens;
    sampling.handOver = kHandOver; // as a server does
    std::vector<GenerationStatistics> statistics(prompts.size());
    std::vector<std::exception_ptr> failures(prompts.size());
    {
        std::vector<std::jthread> callers;
        for (size_t i = 0; i < prompts.size(); ++i) {
            callers.emplace_back([&, i] {
                try {
                    engine.generate(
                        prompts[i], {}, sampling, [](const GeneratedToken&) { return true; },
                        statistics[i], stop);
                } catch (...) {
                    failures[i] = std::current_exception();
                }
            });
        }
    }
    for (const std::exception_ptr& failure : failures) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    }
    checkCancelled(stop);
    return statistics;
}

ChatsPoint measure(Engine& engine, int prompt, int chats, const Options& options,
                   std::mt19937_64& random, const std::stop_token& stop) {
    std::vector<std::vector<Token>> prompts;
    for (int i = 0; i < chats; ++i) {
        prompts.push_back(randomPrompt(engine.artifact(), prompt, random));
    }
    return pointOf(prompt, answerAll(engine, prompts, options.tokens, stop));
}

void print(const Json& document) {
    std::printf("%s on %s: %s of weights a step",
                document.at("model").get_ref<const std::string&>().c_str(),
                document.at("device").get_ref<const std::string&>().c_str(),
                byteText(document.at("weight_bytes").get<uint64_t>()).c_str());
    const double bandwidth = document.value("read_bytes_per_second", 0.0);
    if (bandwidth > 0) {
        std::printf(", memory reads %.1f GB/s: at most %.1f tok/s for one chat", bandwidth / 1e9,
                    bandwidth / document.at("weight_bytes").get<double>());
    }
    std::printf("\nprompt  chats  first token  prompt tok/s  tok/s of all   p50 ms   p95 ms   p99 "
                "ms  roofline\n");
    for (const Json& point : document.at("points")) {
        std::printf("%6d  %5d  %9.3f s  %12.1f  %12.1f  %7.2f  %7.2f  %7.2f  ",
                    point.at("prompt_tokens").get<int>(), point.at("chats").get<int>(),
                    point.at("time_to_first_token").get<double>(),
                    point.at("prompt_tokens_per_second").get<double>(),
                    point.at("tokens_per_second").get<double>(),
                    1e3 * point.at("p50").get<double>(), 1e3 * point.at("p95").get<double>(),
                    1e3 * point.at("p99").get<double>());
        if (point.contains("roofline_share")) {
            std::printf("%6.1f %%\n", 100 * point.at("roofline_share").get<double>());
        } else {
            std::printf("%8s\n", "-");
        }
    }
}

/// All chats at once, or they would wait for one another. Throws Error("bench.memory").
void requireRoom(const EngineStatistics& facts, const EngineSettings& settings) {
    const int64_t needed = settings.chats * usedTokens(settings.contextLength);
    if (facts.poolTokens < needed) {
        throw Error("bench.memory", std::to_string(settings.chats) + " chats of " +
                                        std::to_string(settings.contextLength) +
                                        " tokens were asked for, " + std::to_string(needed) +
                                        " in all; beside the model memory holds " +
                                        std::to_string(facts.poolTokens) +
                                        ". Give fewer --chats or a shorter --prompts.");
    }
}

/// For the most chats and the longest prompt.
EngineOptions engineFor(const Options& options) {
    const auto most = [](const std::vector<int>& values) {
        return *std::max_element(values.begin(), values.end());
    };
    EngineOptions engine = options.engine;
    engine.settings.chats = most(options.chats);
    engine.settings.contextLength = most(options.prompts) + options.tokens;
    return engine;
}

/// `bandwidth` as for toJson().
Json measureAll(Engine& engine, const Options& options, double bandwidth,
                const Invocation& invocation) {
    const int64_t weightBytes = engine.statistics().weightBytes;
    std::mt19937_64 random(options.seed);
    measure(engine, options.prompts.front(), 1, options, random, invocation.stop); // warms up
    Json points = Json::array();
    const auto count = static_cast<int64_t>(options.prompts.size() * options.chats.size());
    for (const int prompt : options.prompts) {
        for (const int chats : options.chats) {
            points.push_back(
                toJson(measure(engine, prompt, chats, options, random, invocation.stop),
                       weightBytes, bandwidth));
            invocation.progress.advance(std::ssize(points), count);
        }
    }
    return points;
}

Json sweep(const Options& options, const Invocation& invocation) {
    const EngineOptions engineOptions = engineFor(options);
    invocation.progress.stage("open");
    const std::unique_ptr<Engine> engine = engineOptions.open(invocation.stop);
    const EngineStatistics facts = engine->statistics();
    requireRoom(facts, engineOptions.settings);
    const bool isGpu = facts.deviceBytes > 0;
    const double bandwidth =
        isGpu ? kernels::deviceCopySpeed() : measureReadBandwidth(engineOptions.settings.threads);

    invocation.progress.stage("measure");
    Json document = {{"model", engine->artifact().name()},
                     {"artifact", engine->artifact().hash()},
                     {"device", isGpu ? "cuda" : "cpu"},
                     {"tokens", options.tokens},
                     {"seed", options.seed},
                     {"weight_bytes", facts.weightBytes},
                     {"device_bytes", facts.deviceBytes},
                     {"points", measureAll(*engine, options, bandwidth, invocation)}};
    if (bandwidth > 0) {
        document["read_bytes_per_second"] = bandwidth;
    }
    return document;
}

} // namespace

void addChatsBench(CLI::App& bench, const std::function<void(BenchRun)>& choose) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = bench.add_subcommand(
        "chats", "Time answers of a compressed model: lengths of prompts, chats at once");
    app->fallthrough();
    options->engine.addTo(*app);
    app->add_option("--prompts", options->prompts, "Tokens of the prompts, each timed")
        ->delimiter(',')
        ->check(between(1, 1 << 20))
        ->capture_default_str();
    app->add_option("--chats", options->chats, "Chats at once, each timed")
        ->delimiter(',')
        ->check(between(1, kMostChats))
        ->capture_default_str();
    app->add_option("--tokens", options->tokens, "Tokens of each answer")
        ->check(between(8, 1 << 16))
        ->capture_default_str();
    app->add_option("--seed", options->seed, "Of the prompts")
        ->check(seedNumber())
        ->capture_default_str();
    app->callback([options, choose] {
        choose([options](const Invocation& invocation) {
            const Json document = sweep(*options, invocation);
            if (invocation.json) {
                std::printf("%s\n", jsonText(document).c_str());
            } else {
                print(document);
            }
        });
    });
}

} // namespace caldera::cli
