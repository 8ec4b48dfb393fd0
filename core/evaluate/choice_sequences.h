// Questions as sequences of tokens that pass through a model together.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "core/evaluate/questions.h"
#include "core/model/config.h"
#include "core/model/tokenizer.h"

namespace caldera {

/// One choice of a question: its context and continuation.
struct ChoiceSequence {
    size_t question = 0;
    size_t choice = 0;
    std::vector<Token> tokens; ///< at most one more than the model's context
    size_t begin = 1;          ///< the first token that is scored
    bool isCut = false;        ///< tokens were left out at its beginning
};

/// Every choice of every question, by rising length. Context and continuation are tokenized
/// together; the tokens after those of the context alone are scored, at least the last one.
std::vector<ChoiceSequence> choiceSequences(const std::vector<Question>& questions,
                                            const Tokenizer& tokenizer, int maxPositions);

/// Sequences first .. first + count of the list, padded at their ends.
struct ChoiceBatch {
    size_t first = 0;
    torch::Tensor tokens; ///< [n, t] int64, without the last of each, which predicts nothing
    /// Places of scored tokens' predictions among the n t, and those tokens: [scored] int64.
    torch::Tensor places, targets;
};

/// Batches of similar lengths, in groups whose hidden states take at most `hiddenBytes` (but at
/// least one batch).
std::vector<std::vector<ChoiceBatch>> choiceBatches(const std::vector<ChoiceSequence>& sequences,
                                                    const ModelConfig& config, int64_t hiddenBytes);

} // namespace caldera
