// How many tokens' logits are worked on together: a large vocabulary has 600 kB a token.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/model/config.h"

namespace caldera {

inline constexpr int64_t kLogitBytes = int64_t{64} << 20; ///< in f32, of one model

/// Tokens, at least one.
inline int64_t logitSlice(const ModelConfig& config) {
    return std::max<int64_t>(
        1, kLogitBytes / (int64_t{config.vocabSize} * static_cast<int64_t>(sizeof(float))));
}

} // namespace caldera
