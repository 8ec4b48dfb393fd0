// Where a model runs: several sequences, each with its place in a pool of keys and values.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>

#include "core/artifact/artifact.h"
#include "core/model/tokenizer.h"
#include "core/runtime/cell_source.h"
#include "core/runtime/engine_settings.h"
#include "kernels/sample/sample.h"

namespace caldera {

/// Does not change while a backend lives.
struct BackendMemory {
    int64_t weightBytes = 0;     ///< of the artifact, read for each token of one sequence
    int64_t cacheTokenBytes = 0; ///< keys and values of one token
    int64_t deviceBytes = 0;     ///< taken from a GPU, the pool included; 0 on the CPU
};

/// How the token after a row of logits is chosen.
struct TokenChoice {
    kernels::SampleChoice how;
    std::span<const Token> seen = {}; ///< by the penalty, distinct
};

/// One artifact ready to compute. A sequence is a slot: the tokens appended to it so far.
///
/// length(), truncate(), append(), step(), choose() and logits() are called by one thread at a
/// time; the rest may be asked by any. The caller keeps within contextLength() and poolTokens() (as
/// usedTokens() counts) and only passes tokens of the vocabulary, so a backend does not check them
/// again. Whatever append() and step() throw, all slots are as long as before the call.
class Backend {
public:
    virtual ~Backend() = default;

    virtual const Artifact& artifact() const = 0;
    virtual int contextLength() const = 0;  ///< tokens of one sequence
    virtual int slots() const = 0;          ///< sequences that live at once
    virtual int64_t poolTokens() const = 0; ///< that all sequences may hold, in whole pages
    virtual int promptBatch() const = 0;    ///< most tokens that append() takes
    virtual BackendMemory memory() const = 0;

    virtual int length(int slot) const = 0;
    /// Forgets the tokens at and after `length`, which is at most the slot's.
    virtual void truncate(int slot, int length) noexcept = 0;

    /// Appends 1 to promptBatch() tokens. Where logits are wanted there is a row of them, after the
    /// last token, until the next append() or step(). Throws Cancelled, which is looked for several
    /// times.
    virtual void append(int slot, std::span<const Token> tokens, bool wantsLogits,
                        const std::stop_token& cancel) = 0;

    struct Next {
        int slot;
        Token token;
    };
    /// Appends one token to each of several slots, which differ. Afterwards there is a row of
    /// logits for each.
    virtual void step(std::span<const Next> next) = 0;

    /// The token after each row of logits, of the first `vocabulary`: as kernels::sampleToken(), so
    /// every backend chooses the same from the same logits. A penalty changes the logits. There are
    /// as many rows as choices. Valid until the next call.
    virtual std::span<const Token> choose(std::span<const TokenChoice> choices, int vocabulary) = 0;
    /// The logits [rows][vocab], brought here from where they are. Valid until the next call.
    virtual std::span<const float> logits() = 0;

    /// Gives cells other weights, all or none of them. What sequences hold was made with the old
    /// ones, so the caller empties them. Throws Error("engine.swap") where the device cannot, and
    /// what makes a codec.
    virtual void swapCells(std::span<const CellSwap> swaps);
};

/// Tokens that can be chosen: those that the head and the tokenizer know.
int choosableTokens(const Artifact& artifact);

/// append() for any number of tokens, in batches, with logits after the last one.
void appendInBatches(Backend& backend, int slot, std::span<const Token> tokens,
                     const std::stop_token& cancel);

/// Sequences take room in the pool in pages of this many tokens.
constexpr int kPageTokens = 64;

/// What a sequence of `length` tokens takes of the pool.
constexpr int64_t usedTokens(int64_t length) {
    return (length + kPageTokens - 1) / kPageTokens * kPageTokens;
}

/// Throws Error("engine.context") for a context that the model does not take,
/// Error("engine.settings") and Error("artifact.codec-table").
void requireSettings(const Artifact& artifact, const EngineSettings& settings);

/// Throws as requireSettings(), and Error("engine.no-cuda"), Error("engine.gpu"),
/// Error("engine.codec") and Error("engine.memory").
std::unique_ptr<Backend> openBackend(std::shared_ptr<const Artifact> artifact,
                                     const EngineSettings& settings);

} // namespace caldera
