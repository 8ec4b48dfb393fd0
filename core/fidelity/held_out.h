// The text that fidelity is measured on: nothing that was calibrated on.
#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

#include "core/model/config.h"
#include "core/model/tokenizer.h"

namespace caldera {

struct HeldOutSettings {
    std::string text;      ///< the text itself
    int64_t tokens = 2048; ///< at most; from its beginning
    int window = 256;      ///< tokens of a sequence, at least 2; no more than the model's positions
};

/// Sequences [n, window] int64 that follow one another in the text; a text shorter than a window
/// gives one sequence. Throws Error("fidelity.too-short") for fewer than 2 tokens.
torch::Tensor heldOutTokens(const Tokenizer& tokenizer, const HeldOutSettings& settings,
                            const ModelConfig& config);

} // namespace caldera
