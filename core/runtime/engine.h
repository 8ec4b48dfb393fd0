// The runtime: runs an artifact straight from its packed bytes, without LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/model/tokenizer.h"

namespace caldera {

struct SamplingOptions {
    double temperature = 0.7; ///< 0: greedy
    double topP = 0.95;
    int topK = 0; ///< 0: off
    double repetitionPenalty = 1.0;
    uint64_t seed = 0;
    int maxTokens = 512;
};

struct GenerationStatistics {
    int promptTokens = 0;
    int reusedTokens = 0; ///< of the prompt, found in the cache
    int generatedTokens = 0;
    double timeToFirstToken = 0; ///< seconds
    double promptTokensPerSecond = 0;
    double tokensPerSecond = 0;
    double p50 = 0, p95 = 0, p99 = 0; ///< seconds between tokens
    int64_t weightBytes = 0;          ///< mapped bytes read for each token
    int64_t cacheBytes = 0;
};

enum class FinishReason { Stop, Length, Cancelled };

/// One artifact ready to run. Calls are serialised by the caller (core/serve queues them).
class Engine {
public:
    /// threads 0: all cores of this process.
    static std::unique_ptr<Engine> open(std::shared_ptr<const Artifact> artifact, int contextLength,
                                        int threads = 0);
    virtual ~Engine() = default;

    virtual const Artifact& artifact() const = 0;
    virtual int contextLength() const = 0;

    /// Forgets the cache.
    virtual void reset() = 0;
    /// Appends tokens to the cache and returns the logits [vocab] after the last of them.
    /// Throws Error("engine.context-full").
    virtual std::span<const float> forward(std::span<const Token> tokens) = 0;

    /// Prompt to answer; onToken sees each token as it comes and ends generation by returning
    /// false. The longest prefix shared with the cache is reused.
    virtual FinishReason generate(std::span<const Token> prompt, std::span<const Token> stop,
                                  const SamplingOptions& options,
                                  const std::function<bool(Token)>& onToken,
                                  GenerationStatistics& statistics,
                                  const std::stop_token& cancel) = 0;
};

} // namespace caldera
