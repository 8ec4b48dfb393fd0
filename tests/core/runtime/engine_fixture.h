// A small random model on the processor, and who asks it.
#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "core/runtime/backend.h"
#include "core/runtime/engine.h"
#include "tests/support/tiny_model_test.h"

namespace caldera::test {

inline SamplingOptions greedy(int maxTokens) {
    SamplingOptions options;
    options.temperature = 0;
    options.maxTokens = maxTokens;
    return options;
}

struct Answer {
    std::vector<Token> tokens;
    FinishReason reason = FinishReason::Stop;
    GenerationStatistics statistics;
};

inline EngineSettings onCpu(int context, int threads = 2, int chats = 1) {
    return {.contextLength = context,
            .chats = chats,
            .threads = threads,
            .device = EngineSettings::Device::Cpu};
}

inline Answer answerTo(Engine& engine, const std::vector<Token>& prompt,
                       const SamplingOptions& options, const std::vector<Token>& stop = {}) {
    Answer answer;
    answer.reason = engine.generate(prompt, stop, options,
                                    [&](Token token) {
                                        answer.tokens.push_back(token);
                                        return true;
                                    },
                                    answer.statistics, {});
    return answer;
}

class EngineTest : public TinyModelTest {
protected:
    static std::unique_ptr<Engine> open(int context = 128, int chats = 1) {
        return Engine::open(model_->artifact(), onCpu(context, 2, chats));
    }
    static std::unique_ptr<Backend> openBackend(int context = 128, int threads = 2, int chats = 1) {
        return caldera::openBackend(model_->artifact(), onCpu(context, threads, chats));
    }
};

} // namespace caldera::test
