// The backend on a GPU against the model worked out densely and the backend on the CPU.
#include "core/runtime/cuda_backend.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/median.h"
#include "core/plan/gpu_memory.h"
#include "core/runtime/cpu_backend.h"
#include "core/runtime/cuda/device_model.h"
#include "core/runtime/thread_pool.h"
#include "kernels/common/device_memory.h"
#include "tests/kernels/gpu_test.h"
#include "tests/support/backend_logits.h"
#include "tests/support/code_of.h"
#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

using test::codeOf;
using test::copyOf;
using test::logitsAfter;
using test::logitsAfterStep;
using test::randomTokens;
using test::TinyModel;
using test::TinyOptions;

/// Random models amplify a rounding error at some tokens, so of differences the middle one counts.
class CudaBackendTest : public GpuTest {};

EngineSettings onGpu(int activationBits, int chats = 1, int cacheBits = 16) {
    return {.contextLength = 256,
            .chats = chats,
            .device = EngineSettings::Device::Cuda,
            .cacheBits = cacheBits,
            .activationBits = activationBits};
}

/// Root mean square of a - b over that of b.
double relativeDifference(std::span<const float> a, std::span<const float> b) {
    double difference = a.size() == b.size() ? 0 : 1e30;
    double size = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        difference += std::pow(a[i] - b[i], 2);
        size += std::pow(b[i], 2);
    }
    return std::sqrt(difference / size);
}

const std::vector<TinyOptions>& variants() {
    static const std::vector<TinyOptions> all = {
        {.codec = "trellis", .bits = 2},
        {.architecture = "llama",
         .hasTiedHead = false,
         .scalesRope = true,
         .codec = "trellis",
         .bits = 2,
         .seed = 3},
        {.hasTiedHead = false,
         .codec = "trellis",
         .bits = 3,
         .embeddingBits = 8,
         .headBits = 8,
         .skipped = {"model.layers.1.*", "*.k_proj"},
         .seed = 4},
        {.codec = "trellis", .bits = 4, .embeddingBits = 4, .headBits = 4, .seed = 5},
        {.codec = "e8p", .bits = 2, .seed = 6},
        {.codec = "e8p", .bits = 3, .seed = 7}, // decoded to 16 bits
        {.codec = "trellis",
         .bits = 2,
         .embeddingBits = 4,
         .headBits = 4,
         .seed = 8,
         .isWide = true},
        {.hasTiedHead = false, // as Qwen2-72B has them
         .codec = "trellis",
         .bits = 2,
         .embeddingBits = 4,
         .headBits = 4,
         .seed = 10,
         .isWide = true},
        {.hasTiedHead = false, .codec = "e8p", .bits = 2, .headBits = 8, .seed = 9, .isWide = true},
        {.codec = "trellis",
         .bits = 2,
         .overrides = test::mixedCodes(),
         .seed = 11,
         .isWide = true},
    };
    return all;
}

} // namespace

TEST_F(CudaBackendTest, ComputesTheLogitsOfTheDenseModel) {
    for (size_t i = 0; i < variants().size(); ++i) {
        const TinyModel model(variants()[i]);
        const std::vector<Token> tokens = randomTokens(70, static_cast<uint32_t>(i));
        const auto expected = model.logits(tokens);
        const auto backend = openCudaBackend(model.artifact(), onGpu(16));
        std::vector<double> differences;
        for (size_t t = 0; t < tokens.size(); ++t) {
            const auto logits = logitsAfter(*backend, {&tokens[t], 1});
            differences.push_back(relativeDifference(logits, expected[t]));
        }
        // Keys and values are fp16 in the cache.
        EXPECT_LT(median(differences), 2e-2) << "variant " << i;
    }
}

TEST_F(CudaBackendTest, EightBitInputsAreThoseOfTheCpu) {
    for (const size_t i : {0U, 1U, 3U, 4U, 6U, 7U, 9U}) { // codes whose inputs the CPU rounds, too
        const TinyModel model(variants()[i]);
        const auto gpu = openCudaBackend(model.artifact(), onGpu(8));
        EngineSettings settings = onGpu(8);
        settings.device = EngineSettings::Device::Cpu;
        const auto cpu = openCpuBackend(model.artifact(), settings);
        std::vector<double> differences;
        for (const Token token : randomTokens(40, static_cast<uint32_t>(i))) {
            const auto logits = copyOf(logitsAfter(*gpu, {&token, 1}));
            differences.push_back(relativeDifference(logits, logitsAfter(*cpu, {&token, 1})));
        }
        // Where an input lies between two codes, a bit in its last place decides.
        EXPECT_LT(median(differences), 0.15) << "variant " << i;
    }
}

TEST_F(CudaBackendTest, AgreesWithTheCpuOnTheBestToken) {
    const TinyModel model(variants()[0]);
    const std::vector<Token> tokens = randomTokens(200, 9);
    const auto gpu = openCudaBackend(model.artifact(), onGpu(16));
    EngineSettings settings = onGpu(16);
    settings.device = EngineSettings::Device::Cpu;
    const auto cpu = openCpuBackend(model.artifact(), settings);
    int agreeing = 0;
    for (const Token token : tokens) {
        const auto a = copyOf(logitsAfter(*gpu, {&token, 1}));
        const auto b = logitsAfter(*cpu, {&token, 1});
        agreeing += std::max_element(a.begin(), a.end()) - a.begin() ==
                            std::max_element(b.begin(), b.end()) - b.begin()
                        ? 1
                        : 0;
    }
    EXPECT_GE(agreeing, 198); // 99 %
}

TEST_F(CudaBackendTest, TakesNoMoreThanWasSaid) {
    const TinyModel model(variants()[0]);
    const Artifact& artifact = *model.artifact();
    const EngineSettings settings = onGpu(8, 4);
    const int64_t before = kernels::cuda::freeDeviceBytes();
    const auto backend = openCudaBackend(model.artifact(), settings);
    backend->append(0, randomTokens(70, 1), true, {});
    const int64_t taken = before - kernels::cuda::freeDeviceBytes();
    GpuLoad load;
    load.contextLength = settings.contextLength;
    load.chats = settings.chats;
    EXPECT_LE(taken, gpuMemory(artifact.plan(), artifact.config(), load, 16).total());
}

TEST_F(CudaBackendTest, WeightsLieInTheOneBlockThatWasForeseen) {
    for (size_t i = 0; i < variants().size(); ++i) {
        const TinyModel model(variants()[i]);
        const DeviceModel loaded = loadDeviceModel(*model.artifact());
        EXPECT_EQ(loaded.arena.blocks(), 1U) << "variant " << i;
        const Artifact& artifact = *model.artifact();
        const int64_t foreseen = gpuWeightBytes(artifact.plan(), artifact.config());
        EXPECT_GE(foreseen, loaded.arena.takenBytes()) << "variant " << i;
        EXPECT_LE(foreseen - loaded.arena.takenBytes(), foreseen / 50) << "variant " << i;
    }
}

TEST_F(CudaBackendTest, PromptsAtOnceAreThoseOneByOne) {
    for (size_t i = 0; i < variants().size(); ++i) {
        const TinyModel model(variants()[i]);
        const std::vector<Token> tokens = randomTokens(150, static_cast<uint32_t>(i));
        const auto expected = model.logits(tokens).back();
        const auto backend = openCudaBackend(model.artifact(), onGpu(16, 2));
        // In two parts, the second with the first in the cache, and a last token by itself.
        backend->append(0, std::span(tokens).first(90), false, {});
        backend->append(0, std::span(tokens).subspan(90, 59), false, {});
        const auto logits = copyOf(logitsAfter(*backend, std::span(tokens).last(1)));
        EXPECT_LT(relativeDifference(logits, expected), 0.1) << "variant " << i;
        EXPECT_LT(relativeDifference(copyOf(logitsAfter(*backend, tokens, 1)), expected), 0.1)
            << "variant " << i;
    }
}

TEST_F(CudaBackendTest, ShortPromptsInStepsAreThoseOneByOne) {
    for (const size_t i : {0U, 1U, 2U, 4U, 6U, 7U, 9U}) {
        for (const int cacheBits : {16, 8}) {
            const TinyModel model(variants()[i]);
            const std::vector<Token> tokens = randomTokens(90, static_cast<uint32_t>(i));
            const auto together = openCudaBackend(model.artifact(), onGpu(8, 1, cacheBits));
            const auto single = openCudaBackend(model.artifact(), onGpu(8, 1, cacheBits));
            std::vector<double> differences;
            size_t done = 0;
            for (const size_t count : {3U, 8U, 1U, 13U, 40U, 2U, 17U, 1U}) { // past a page's end
                const auto part = std::span<const Token>(tokens).subspan(done, count);
                done += count;
                const auto logits = copyOf(logitsAfter(*together, part));
                std::vector<float> expected;
                for (const Token& token : part) {
                    expected = copyOf(logitsAfter(*single, {&token, 1}));
                }
                differences.push_back(relativeDifference(logits, expected));
                ASSERT_EQ(together->length(0), static_cast<int>(done));
            }
            EXPECT_LT(median(differences), 0.1)
                << "variant " << i << ", " << cacheBits << " bits a number of the cache";
        }
    }
}

TEST_F(CudaBackendTest, SequencesAreAloneInCompany) {
    const TinyModel model(variants()[0]);
    const auto backend = openCudaBackend(model.artifact(), onGpu(16, 20));
    std::vector<std::vector<Token>> prompts;
    std::vector<std::vector<float>> alone;
    const auto vocab = static_cast<size_t>(model.artifact()->config().vocabSize);
    for (int slot = 0; slot < 20; ++slot) { // more than a step takes
        prompts.push_back(randomTokens(3 + 9 * slot, static_cast<uint32_t>(slot)));
        logitsAfter(*backend, prompts.back(), slot);
        const Backend::Next next{slot, 77};
        alone.push_back(copyOf(logitsAfterStep(*backend, {&next, 1})));
        backend->truncate(slot, static_cast<int>(prompts.back().size()));
    }
    std::vector<Backend::Next> together;
    for (int slot = 19; slot >= 0; --slot) {
        together.push_back({slot, 77});
    }
    const auto logits = logitsAfterStep(*backend, together);
    ASSERT_EQ(logits.size(), 20 * vocab);
    for (size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(copyOf(logits.subspan(i * vocab, vocab)), alone[19 - i]) << i;
    }
}

TEST_F(CudaBackendTest, CompanyChangesNoMoreThanTheOrderOfSums) {
    for (const size_t variant : {0U, 4U, 6U, 7U, 9U}) {
        const TinyModel model(variants()[variant]);
        const auto backend = openCudaBackend(model.artifact(), onGpu(8, 16));
        const auto vocab = static_cast<size_t>(model.artifact()->config().vocabSize);
        std::vector<Backend::Next> next;
        std::vector<std::vector<float>> alone;
        for (int slot = 0; slot < 16; ++slot) {
            const auto prompt = randomTokens(3 + 9 * slot, static_cast<uint32_t>(slot));
            logitsAfter(*backend, prompt, slot);
            next.push_back({slot, 77});
            alone.push_back(copyOf(logitsAfterStep(*backend, {&next.back(), 1})));
            backend->truncate(slot, static_cast<int>(prompt.size()));
        }
        for (const size_t chats : {2U, 4U, 5U, 8U, 9U, 16U}) {
            const auto logits = copyOf(logitsAfterStep(*backend, std::span(next).first(chats)));
            std::vector<double> differences;
            for (size_t i = 0; i < chats; ++i) {
                backend->truncate(next[i].slot, backend->length(next[i].slot) - 1);
                differences.push_back(
                    relativeDifference(std::span(logits).subspan(i * vocab, vocab), alone[i]));
            }
            // An input between two codes of 8 bits may fall to either.
            EXPECT_LT(median(differences), 0.05) << "variant " << variant << ", " << chats;
        }
    }
}

TEST_F(CudaBackendTest, ForgetsWhatIsTruncated) {
    const TinyModel model(variants()[0]);
    const auto backend = openCudaBackend(model.artifact(), onGpu(16, 2));
    const std::vector<Token> first = randomTokens(130, 1);
    const std::vector<Token> second = randomTokens(70, 2);
    const auto expected = copyOf(logitsAfter(*backend, second, 1));
    logitsAfter(*backend, first, 0);
    backend->truncate(0, 0);
    EXPECT_EQ(backend->length(0), 0);
    EXPECT_EQ(copyOf(logitsAfter(*backend, second, 0)), expected);
}

TEST_F(CudaBackendTest, EightBitsForTheCacheStayClose) {
    const TinyModel model(variants()[0]);
    const std::vector<Token> tokens = randomTokens(150, 3);
    const auto exact = openCudaBackend(model.artifact(), onGpu(16));
    const auto rounded = openCudaBackend(model.artifact(), onGpu(16, 1, 8));
    EXPECT_LT(rounded->memory().cacheTokenBytes, exact->memory().cacheTokenBytes);
    const auto expected = copyOf(logitsAfter(*exact, tokens));
    EXPECT_LT(relativeDifference(copyOf(logitsAfter(*rounded, tokens)), expected), 0.25);
}

TEST_F(CudaBackendTest, ACancelledPromptLeavesNoTrace) {
    const TinyModel model(variants()[0]);
    const auto backend = openCudaBackend(model.artifact(), onGpu(8));
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(backend->append(0, randomTokens(5, 4), true, stop.get_token()), Cancelled);
    EXPECT_EQ(backend->length(0), 0);
}

class CancelledPrompt : public CudaBackendTest, public testing::WithParamInterface<int> {};

TEST_P(CancelledPrompt, LeavesNoTraceWhereverItWas) {
    const TinyModel model(variants()[0]);
    const auto backend = openCudaBackend(model.artifact(), onGpu(16, 2));
    const std::vector<Token> before = randomTokens(70, 1);
    const std::vector<Token> after = randomTokens(GetParam(), 2);
    logitsAfter(*backend, before, 1);
    const auto expected = copyOf(logitsAfter(*backend, after, 1));
    logitsAfter(*backend, before, 0);
    int cancelled = 0;
    for (int turns = 0; turns < 200000; turns += 10000) { // from before the first layer on
        std::stop_source stop;
        std::atomic<bool> hasBegun{false};
        std::jthread canceller([&] {
            while (!hasBegun) {
            }
            for (int i = 0; i < turns; ++i) {
                pauseBriefly();
            }
            stop.request_stop();
        });
        hasBegun = true;
        try {
            backend->append(0, after, true, stop.get_token());
        } catch (const Cancelled&) {
            ++cancelled;
            ASSERT_EQ(backend->length(0), 70) << turns;
        }
        backend->truncate(0, 70);
    }
    EXPECT_GT(cancelled, 0);
    EXPECT_EQ(copyOf(logitsAfter(*backend, after, 0)), expected);
}

// One step after another, and at once.
INSTANTIATE_TEST_SUITE_P(Tokens, CancelledPrompt, testing::Values(12, 100));

TEST_F(CudaBackendTest, PromptsAreTheSameStepByStepAndAtOnce) {
    const TinyModel model(variants()[6]);
    const std::vector<Token> tokens = randomTokens(13, 5);
    const auto backend = openCudaBackend(model.artifact(), onGpu(16, 2));
    const auto atOnce = copyOf(logitsAfter(*backend, tokens, 0));
    logitsAfter(*backend, std::span(tokens).first(12), 1);
    EXPECT_LT(relativeDifference(copyOf(logitsAfter(*backend, {&tokens[12], 1}, 1)), atOnce), 0.03);
}

TEST_F(CudaBackendTest, ChoosesWhatTheProcessorWouldFromItsLogits) {
    const TinyModel model(variants()[1]);
    const auto vocab = static_cast<size_t>(model.artifact()->config().vocabSize);
    for (const int chats : {1, 3, 20}) { // 20 take two runs
        const auto backend = openCudaBackend(model.artifact(), onGpu(8, chats));
        std::vector<std::vector<Token>> seen;
        std::vector<Backend::Next> next;
        for (int slot = 0; slot < chats; ++slot) {
            seen.push_back(randomTokens(12 + slot, static_cast<uint32_t>(slot)));
            std::sort(seen.back().begin(), seen.back().end());
            seen.back().erase(std::unique(seen.back().begin(), seen.back().end()),
                              seen.back().end());
            logitsAfter(*backend, seen.back(), slot);
            next.push_back({slot, 77});
        }
        auto logits = copyOf(logitsAfterStep(*backend, next));
        std::vector<TokenChoice> choices;
        for (int slot = 0; slot < chats; ++slot) {
            kernels::SampleChoice how;
            how.sharpness = slot % 4 == 0 ? 0.0F : 1.5F;
            how.topK = slot % 3 == 0 ? 40 : 0;
            how.topP = 0.9;
            how.penalty = slot % 2 == 0 ? 1.2 : 1;
            how.random = 0x9E3779B97F4A7C15U * static_cast<uint64_t>(slot + 1);
            choices.push_back({how, seen[static_cast<size_t>(slot)]});
        }
        const auto tokens = backend->choose(choices, 2048);
        ASSERT_EQ(tokens.size(), choices.size());
        kernels::SampleWorkspace workspace;
        for (size_t i = 0; i < choices.size(); ++i) {
            EXPECT_EQ(tokens[i],
                      kernels::sampleToken(choices[i].how, choices[i].seen,
                                           std::span(logits).subspan(i * vocab, 2048), workspace))
                << "chat " << i << " of " << chats;
        }
    }
}

} // namespace caldera
