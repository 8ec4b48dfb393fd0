// The runtime: answers chats from an artifact's packed bytes, without LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/model/tokenizer.h"
#include "core/runtime/cell_source.h"
#include "core/runtime/engine_settings.h"

namespace caldera {

struct SamplingOptions {
    double temperature = 0.7; ///< 0: greedy
    double topP = 0.95;
    int topK = 0;    ///< 0: off
    double minP = 0; ///< least share of the likeliest token's probability; 0: off
    double repetitionPenalty = 1.0;
    uint64_t seed = 0;
    int maxTokens = 512;
    /// Seconds: tokens that come sooner after the last ones are handed over with the next. Each
    /// time that a caller wakes takes a core from those that compute.
    double handOver = 0;
    /// 0 or more: each token comes with its log-probability and those of so many likeliest ones.
    int likeliest = -1;
    /// The answer, in the place of tokens that are chosen: to see how likely the model finds it.
    /// Stop tokens do not end it, and maxTokens does not count.
    std::vector<Token> forced = {};
};

/// A token and the natural logarithm of its probability at temperature 1, before any penalty.
struct TokenChance {
    Token token = 0;
    float logProbability = 0;
};

/// A token of an answer; reads as the token alone where nothing else was asked for.
struct GeneratedToken {
    GeneratedToken(Token chosen) : token(chosen) {} // NOLINT(google-explicit-constructor)
    operator Token() const { return token; }        // NOLINT(google-explicit-constructor)

    Token token;
    float logProbability = 0;
    std::vector<TokenChance> likeliest; ///< likeliest first, of equals the first
    bool isFollowed = false;            ///< the next one is handed over at once
};

/// What clients that read along notice no more.
inline constexpr double kHandOver = 0.02;

/// Of one answer.
struct GenerationStatistics {
    int promptTokens = 0;
    int reusedTokens = 0; ///< of the prompt, found in the cache
    int generatedTokens = 0;
    double timeToFirstToken = 0;      ///< seconds since it was asked for, waiting included
    double promptTokensPerSecond = 0; ///< since it stopped waiting
    double tokensPerSecond = 0;
    double p50 = 0, p95 = 0, p99 = 0; ///< seconds between tokens
    int64_t weightBytes = 0;          ///< bytes of the artifact read for each token
    int64_t cacheBytes = 0;           ///< of this conversation
    int64_t deviceBytes = 0;          ///< taken from a GPU by the whole engine; 0 on the CPU
};

/// Of an engine since it was opened.
struct EngineStatistics {
    int chats = 0; ///< answers that can be made at once
    int running = 0;
    int waiting = 0;
    int64_t poolTokens = 0;   ///< that all conversations may hold
    int64_t usedTokens = 0;   ///< of the pool, in whole pages
    int64_t promptTokens = 0; ///< computed, so without those found in the cache
    int64_t generatedTokens = 0;
    double busySeconds = 0; ///< with at least one answer to make
    int64_t weightBytes = 0;
    int64_t cacheBytes = 0; ///< of usedTokens
    int64_t deviceBytes = 0;
};

enum class FinishReason { Stop, Length, Cancelled };

/// One artifact ready to answer several chats at once. Any thread may call; none while the engine
/// is destroyed.
class Engine {
public:
    /// Throws what openBackend() throws.
    static std::unique_ptr<Engine> open(std::shared_ptr<const Artifact> artifact,
                                        const EngineSettings& settings);
    virtual ~Engine() = default;

    virtual const Artifact& artifact() const = 0;
    virtual int contextLength() const = 0;
    virtual EngineStatistics statistics() const = 0;

    /// Prompt to answer; returns when it has ended. onToken sees each token as it comes, on the
    /// calling thread, and ends generation by returning false. The longest prefix shared with a
    /// conversation in the cache is reused. Throws Error("engine.prompt-empty"),
    /// Error("engine.context-full"), Error("engine.token"), Error("engine.sampling"),
    /// Error("engine.logits"), and what onToken throws.
    using OnToken = std::function<bool(const GeneratedToken&)>;
    virtual FinishReason generate(std::span<const Token> prompt, std::span<const Token> stop,
                                  const SamplingOptions& options, const OnToken& onToken,
                                  GenerationStatistics& statistics,
                                  const std::stop_token& cancel) = 0;

    /// Gives cells other weights, all or none of them, when the answers that are being made have
    /// ended; answers that come later wait. What conversations left in the cache is forgotten.
    /// False when it was cancelled before. Throws what Backend::swapCells() throws.
    virtual bool swapCells(std::span<const CellSwap> swaps, const std::stop_token& cancel) = 0;
};

} // namespace caldera
