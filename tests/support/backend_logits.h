// What a backend computes after some tokens.
#pragma once

#include <algorithm>
#include <span>

#include "core/runtime/backend.h"

namespace caldera::test {

/// Logits [vocab] after tokens that are appended to a slot, in batches as a scheduler does it.
inline std::span<const float> logitsAfter(Backend& backend, std::span<const Token> tokens,
                                          int slot = 0) {
    std::span<const float> logits;
    while (!tokens.empty()) {
        const auto batch =
            tokens.first(std::min(tokens.size(), static_cast<size_t>(backend.promptBatch())));
        logits = backend.append(slot, batch, batch.size() == tokens.size(), {});
        tokens = tokens.subspan(batch.size());
    }
    return logits;
}

} // namespace caldera::test
