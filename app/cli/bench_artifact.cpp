#include "app/cli/bench_artifact.h"

#include <chrono>
#include <memory>
#include <numeric>
#include <span>

#include "core/base/elapsed.h"
#include "core/base/median.h"
#include "core/job/progress.h"
#include "core/runtime/backend.h"
#include "core/runtime/sampler.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::ordered_json;

Token choose(Backend& backend, const TokenChoice& choice) {
    return backend.choose({&choice, 1}, choosableTokens(backend.artifact())).front();
}

/// Seconds of each token.
std::vector<double> secondsOfTokens(Backend& backend, int count, const std::stop_token& stop) {
    std::vector<double> seconds;
    SamplingOptions greedy;
    greedy.temperature = 0;
    Sampler sampler(greedy);
    const TokenChoice choice = sampler.next({}); // the same for every token
    Token token = choose(backend, choice);
    for (int i = 0; i < count; ++i) {
        checkCancelled(stop);
        const auto start = std::chrono::steady_clock::now();
        const Backend::Next next{0, token};
        backend.step({&next, 1});
        token = choose(backend, choice);
        seconds.push_back(secondsSince(start));
    }
    return seconds;
}

} // namespace

std::vector<Token> randomPrompt(const Artifact& artifact, int length, std::mt19937_64& random) {
    const auto vocabulary = static_cast<uint64_t>(choosableTokens(artifact));
    std::vector<Token> prompt;
    while (std::ssize(prompt) < length) {
        const auto token = static_cast<Token>(random() % vocabulary);
        if (!artifact.tokenizer()->isSpecial(token)) {
            prompt.push_back(token);
        }
    }
    return prompt;
}

Json timeArtifact(const ArtifactSteps& steps, const std::stop_token& stop) {
    const auto& artifact = steps.artifact;
    EngineSettings settings = steps.settings;
    settings.chats = 1;
    settings.contextLength = steps.position + steps.tokens;
    const std::unique_ptr<Backend> backend = openBackend(artifact, settings);
    std::mt19937_64 random(steps.seed);
    const std::vector<Token> prompt = randomPrompt(*artifact, steps.position, random);
    const auto run = [&] {
        backend->truncate(0, 0);
        appendInBatches(*backend, 0, prompt, stop);
        return secondsOfTokens(*backend, steps.tokens, stop);
    };
    run(); // weights come from the disk, memory from the system
    const std::vector<double> seconds = run();
    const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    const BackendMemory memory = backend->memory();
    return {{"model", artifact->name()},
            {"artifact", artifact->hash()},
            {"device", memory.deviceBytes > 0 ? "cuda" : "cpu"},
            {"position", steps.position},
            {"tokens", steps.tokens},
            {"weight_bytes", memory.weightBytes},
            {"device_bytes", memory.deviceBytes},
            {"steps", Json::array({{{"chats", 1},
                                    {"microseconds", 1e6 * median(seconds)},
                                    {"seconds", total},
                                    // as an answer's statistics have it
                                    {"tokens_per_second", steps.tokens / total}}})}};
}

} // namespace caldera::cli
