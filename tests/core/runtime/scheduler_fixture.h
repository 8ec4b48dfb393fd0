// A scheduler over a backend without a model, and who asks it.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/runtime/scheduler.h"
#include "tests/core/runtime/fake_backend.h"
#include "tests/support/gate.h"
#include "tests/support/tiny_model_test.h"
#include "tests/support/until.h"

namespace caldera::test {

/// Numbers that no other first number shares.
inline std::vector<Token> promptOf(Token first, int count) {
    std::vector<Token> tokens(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
        tokens[static_cast<size_t>(i)] = (first * 37 + i * 11) % 2000;
    }
    return tokens;
}

inline std::vector<Token> joined(std::vector<Token> first, const std::vector<Token>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

struct Result {
    std::vector<Token> tokens;
    FinishReason reason = FinishReason::Cancelled;
    GenerationStatistics statistics;
    std::string error; ///< its code
};

struct Ask {
    std::vector<Token> prompt;
    int tokens = 8;
    std::vector<Token> stop = {};
    std::stop_token cancel = {};
    std::function<bool(const GeneratedToken&)> onToken = [](Token) { return true; };
    double handOver = 0;
};

class SchedulerTest : public TinyModelTest {
protected:
    void open(const FakeShape& shape = {}) {
        auto backend = std::make_unique<FakeBackend>(model_->artifact(), shape);
        fake_ = backend.get();
        scheduler_ = std::make_unique<Scheduler>(std::move(backend));
    }
    Result answer(const Ask& ask) {
        Result result;
        SamplingOptions greedy;
        greedy.temperature = 0;
        greedy.maxTokens = ask.tokens;
        greedy.handOver = ask.handOver;
        try {
            result.reason = scheduler_->generate(
                ask.prompt, ask.stop, greedy,
                [&](const GeneratedToken& token) {
                    result.tokens.push_back(token);
                    return ask.onToken(token);
                },
                result.statistics, ask.cancel);
        } catch (const Error& error) {
            result.error = error.code();
        }
        return result;
    }
    std::future<Result> answerLater(Ask ask) {
        return std::async(std::launch::async, [this, ask = std::move(ask)] { return answer(ask); });
    }
    bool untilWaiting(int count) {
        return until([&] { return scheduler_->statistics().waiting == count; });
    }
    bool untilRunning(int count) {
        return until([&] { return scheduler_->statistics().running == count; });
    }
    /// The first answer is in the backend, the rest waits; all are let in at once by gate_.open().
    std::vector<std::future<Result>> askTogether(const std::vector<Ask>& asks) {
        gate_.close();
        fake_->beforeAppend = [this](int, auto) { gate_.pass(); };
        std::vector<std::future<Result>> results;
        for (const Ask& ask : asks) {
            results.push_back(answerLater(ask));
            EXPECT_TRUE(until([&] {
                const EngineStatistics now = scheduler_->statistics();
                return now.running + now.waiting == static_cast<int>(results.size());
            }));
            EXPECT_TRUE(gate_.waitForArrivals(1));
        }
        return results;
    }

    Gate gate_;
    FakeBackend* fake_ = nullptr;
    std::unique_ptr<Scheduler> scheduler_;
};

} // namespace caldera::test
