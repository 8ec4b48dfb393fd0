// A backend without a model: the next token follows from the sequence by a simple rule.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <mutex>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/runtime/backend.h"

namespace caldera::test {

struct FakeShape {
    int context = 256;
    int slots = 4;
    int64_t pool = 1024;
    int promptBatch = 16;
};

/// Fails a test whose scheduler breaks the contract of Backend.
class FakeBackend : public Backend {
public:
    FakeBackend(std::shared_ptr<const Artifact> artifact, const FakeShape& shape)
        : artifact_(std::move(artifact)), shape_(shape),
          sequences_(static_cast<size_t>(shape.slots)) {}

    /// What comes after a sequence; it depends on every token.
    static Token after(std::span<const Token> sequence) {
        const auto mixed = std::accumulate(sequence.begin(), sequence.end(), uint64_t{17},
                                           [](uint64_t hash, Token token) {
                                               return (hash ^ static_cast<uint64_t>(token)) * kMix;
                                           });
        return static_cast<Token>(3 + (mixed >> 32) % 2000);
    }
    static std::vector<Token> answerTo(std::vector<Token> prompt, size_t count) {
        std::vector<Token> answer;
        while (answer.size() < count) {
            answer.push_back(after(prompt));
            prompt.push_back(answer.back());
        }
        return answer;
    }

    /// Called before anything is computed; what they throw is the failure of the call.
    std::function<void(int slot, std::span<const Token>)> beforeAppend;
    std::function<void(std::span<const Next>)> beforeStep;
    std::function<void()> beforeChoose;
    /// Sequences for which this is true get no finite logit.
    std::function<bool(std::span<const Token>)> isBroken = [](auto) { return false; };

    struct Call {
        bool isStep = false;
        std::vector<int> slots;
        size_t tokens = 0;
        bool wantsLogits = true;
    };
    std::vector<Call> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }

    const Artifact& artifact() const override { return *artifact_; }
    int contextLength() const override { return shape_.context; }
    int slots() const override { return shape_.slots; }
    int64_t poolTokens() const override { return shape_.pool; }
    int promptBatch() const override { return shape_.promptBatch; }
    BackendMemory memory() const override { return {1000, 8, 5000}; }
    int length(int slot) const override { return static_cast<int>(at(slot).size()); }
    void truncate(int slot, int length) noexcept override {
        EXPECT_LE(static_cast<size_t>(length), at(slot).size());
        at(slot).resize(static_cast<size_t>(length));
    }

    /// What swapCells() throws, if anything.
    std::function<void(std::span<const CellSwap>)> onSwap;
    void swapCells(std::span<const CellSwap> swaps) override {
        for (const auto& sequence : sequences_) {
            lengthsAtSwap.push_back(static_cast<int>(sequence.size()));
        }
        if (onSwap) {
            onSwap(swaps);
        }
    }
    std::vector<int> lengthsAtSwap;

    void append(int slot, std::span<const Token> tokens, bool wantsLogits,
                const std::stop_token& cancel) override {
        EXPECT_GE(tokens.size(), 1U);
        EXPECT_LE(tokens.size(), static_cast<size_t>(shape_.promptBatch));
        note({false, {slot}, tokens.size(), wantsLogits});
        if (beforeAppend) {
            beforeAppend(slot, tokens);
        }
        if (cancel.stop_requested()) {
            throw Cancelled();
        }
        at(slot).insert(at(slot).end(), tokens.begin(), tokens.end());
        checkRoom();
        logits_.clear();
        if (wantsLogits) {
            addLogits(slot);
        }
    }

    void step(std::span<const Next> next) override {
        Call call{true, {}, next.size(), true};
        for (const auto& [slot, token] : next) {
            EXPECT_EQ(std::count(call.slots.begin(), call.slots.end(), slot), 0) << "twice";
            call.slots.push_back(slot);
        }
        note(call);
        if (beforeStep) {
            beforeStep(next);
        }
        logits_.clear();
        for (const auto& [slot, token] : next) {
            at(slot).push_back(token);
            addLogits(slot);
        }
        checkRoom();
    }

    std::span<const Token> choose(std::span<const TokenChoice> choices, int vocabulary) override {
        const auto row = static_cast<size_t>(artifact_->config().vocabSize);
        EXPECT_EQ(logits_.size(), choices.size() * row) << "every row is asked for";
        EXPECT_LE(static_cast<size_t>(vocabulary), row);
        if (beforeChoose) {
            beforeChoose();
        }
        chosen_.clear();
        for (size_t i = 0; i < choices.size(); ++i) {
            chosen_.push_back(kernels::sampleToken(
                choices[i].how, choices[i].seen,
                std::span(logits_).subspan(i * row, static_cast<size_t>(vocabulary)), sampler_));
        }
        return chosen_;
    }
    std::span<const float> logits() override { return logits_; }

private:
    static constexpr uint64_t kMix = 0x9E3779B97F4A7C15U;

    std::vector<Token>& at(int slot) { return sequences_.at(static_cast<size_t>(slot)); }
    const std::vector<Token>& at(int slot) const {
        return sequences_.at(static_cast<size_t>(slot));
    }
    void note(Call call) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(std::move(call));
    }
    void addLogits(int slot) {
        const auto vocabulary = static_cast<size_t>(artifact_->config().vocabSize);
        const bool broken = isBroken(at(slot));
        const float nan = std::numeric_limits<float>::quiet_NaN();
        logits_.resize(logits_.size() + vocabulary, broken ? nan : 0.0F);
        if (!broken) {
            logits_[logits_.size() - vocabulary + static_cast<size_t>(after(at(slot)))] = 1;
        }
    }
    void checkRoom() const {
        int64_t used = 0;
        for (const std::vector<Token>& sequence : sequences_) {
            EXPECT_LE(sequence.size(), static_cast<size_t>(shape_.context));
            used += usedTokens(static_cast<int64_t>(sequence.size()));
        }
        EXPECT_LE(used, shape_.pool);
    }

    std::shared_ptr<const Artifact> artifact_;
    FakeShape shape_;
    std::vector<std::vector<Token>> sequences_;
    std::vector<float> logits_;
    kernels::SampleWorkspace sampler_;
    std::vector<Token> chosen_;
    mutable std::mutex mutex_;
    std::vector<Call> calls_;
};

} // namespace caldera::test
