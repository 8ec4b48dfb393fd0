// How fast the CPU reads prompts and answers, and what activations of 8 bits cost.
//
//   cpu_decode speed ARTIFACT TEXT THREADS BITS WINDOWS
//   cpu_decode pinning ARTIFACT TEXT THREADS BITS WINDOWS
//   cpu_decode divergence ARTIFACT TEXT THREADS|cuda TOKENS
//
// speed: windows of 25 tokens after 8, and every third time 512 prompt tokens, each from an empty
// cache; medians and bests. pinning: the same windows with threads pinned and free, in turns.
// divergence: of answers at 8 bits from those at 16, mean over the first TOKENS tokens in windows
// of 512, on a processor or a GPU.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/runtime/backend.h"
#include "tests/bench/bench_main.h"

using namespace caldera;

namespace {

using Clock = std::chrono::steady_clock;

struct Setup {
    std::shared_ptr<const Artifact> artifact;
    std::vector<Token> text;
    int threads = 0;
    EngineSettings::Device device = EngineSettings::Device::Cpu;

    std::unique_ptr<Backend> open(int activationBits, bool isPinned = false) const {
        EngineSettings settings;
        settings.contextLength = 1024;
        settings.threads = threads;
        settings.device = device;
        settings.activationBits = activationBits;
        settings.isPinned = isPinned;
        return openBackend(artifact, settings);
    }
};

std::span<const float> step(Backend& backend, Token token) {
    const Backend::Next next{0, token};
    backend.step({&next, 1});
    return backend.logits();
}

/// Tokens a second of work that handles `tokens` of them.
template <class Work>
double speedOf(int tokens, const Work& work) {
    const auto begin = Clock::now();
    work();
    return tokens / std::chrono::duration<double>(Clock::now() - begin).count();
}

void printSpeeds(const char* what, std::vector<double> speeds) {
    std::sort(speeds.begin(), speeds.end());
    std::printf("%s: median %.1f tok/s, best %.1f\n", what, speeds[speeds.size() / 2],
                speeds.back());
}

double answerSpeed(Backend& backend, std::span<const Token> text) {
    constexpr int kStart = 8;
    constexpr int kAnswer = 25;
    backend.truncate(0, 0);
    appendInBatches(backend, 0, text.first(kStart), {});
    return speedOf(kAnswer, [&] {
        for (const Token token : text.subspan(kStart, kAnswer)) {
            step(backend, token);
        }
    });
}

double promptSpeed(Backend& backend, std::span<const Token> text) {
    constexpr int kPrompt = 512;
    backend.truncate(0, 0);
    return speedOf(kPrompt, [&] { appendInBatches(backend, 0, text.first(kPrompt), {}); });
}

void measurePinning(const Setup& setup, int bits, int windows) {
    const auto pinned = setup.open(bits, true);
    const auto free = setup.open(bits, false);
    std::vector<double> speeds[2];
    for (int window = 0; window < windows; ++window) {
        speeds[0].push_back(answerSpeed(*pinned, setup.text));
        speeds[1].push_back(answerSpeed(*free, setup.text));
    }
    printSpeeds("answers, pinned", speeds[0]);
    printSpeeds("answers, free", speeds[1]);
}

void measureSpeed(const Setup& setup, int bits, int windows) {
    const auto backend = setup.open(bits);
    std::vector<double> answers;
    std::vector<double> prompts;
    for (int window = 0; window < windows; ++window) {
        answers.push_back(answerSpeed(*backend, setup.text));
        if (window % 3 == 0) {
            prompts.push_back(promptSpeed(*backend, setup.text));
        }
    }
    std::printf("%.1f MB a token\n", static_cast<double>(backend->memory().weightBytes) / 1e6);
    printSpeeds("answers", answers);
    printSpeeds("prompts of 512", prompts);
}

std::vector<double> logProbabilities(std::span<const float> logits) {
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) {
        sum += std::exp(logit - most);
    }
    std::vector<double> result;
    result.reserve(logits.size());
    for (const float logit : logits) {
        result.push_back(logit - most - std::log(sum));
    }
    return result;
}

void measureDivergence(const Setup& setup, int tokens) {
    constexpr int kWindow = 512;
    const auto fine = setup.open(16);
    const auto coarse = setup.open(8);
    double divergence = 0;
    int agreeing = 0;
    for (int i = 0; i < tokens; ++i) {
        if (i % kWindow == 0) {
            fine->truncate(0, 0);
            coarse->truncate(0, 0);
        }
        const Token token = setup.text[static_cast<size_t>(i)];
        const auto p = logProbabilities(step(*fine, token));
        const auto q = logProbabilities(step(*coarse, token));
        for (size_t j = 0; j < p.size(); ++j) {
            divergence += std::exp(p[j]) * (p[j] - q[j]);
        }
        const auto best = [](const auto& x) {
            return std::max_element(x.begin(), x.end()) - x.begin();
        };
        agreeing += best(p) == best(q) ? 1 : 0;
    }
    std::printf("KL divergence %.5f nats, top-1 agreement %.2f %%, %d tokens\n",
                divergence / tokens, 100.0 * agreeing / tokens, tokens);
}

void run(const std::vector<std::string>& words) {
    Setup setup;
    setup.artifact = Artifact::open(words.at(1));
    setup.text = setup.artifact->tokenizer()->encode(readTextFile(words.at(2)).substr(0, 1 << 18));
    if (words.at(3) == "cuda") {
        setup.device = EngineSettings::Device::Cuda;
    } else {
        setup.threads = std::stoi(words.at(3));
    }
    if (words.at(0) == "speed") {
        measureSpeed(setup, std::stoi(words.at(4)), std::stoi(words.at(5)));
    } else if (words.at(0) == "pinning") {
        measurePinning(setup, std::stoi(words.at(4)), std::stoi(words.at(5)));
    } else {
        measureDivergence(setup, std::stoi(words.at(4)));
    }
}

} // namespace

int main(int count, char** words) {
    return runBench(count, words,
                    "cpu_decode speed|pinning ARTIFACT TEXT THREADS BITS WINDOWS, or "
                    "cpu_decode divergence ARTIFACT TEXT THREADS|cuda TOKENS",
                    run);
}
