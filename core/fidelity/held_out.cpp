#include "core/fidelity/held_out.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace caldera {

torch::Tensor heldOutTokens(const Tokenizer& tokenizer, const HeldOutSettings& settings,
                            const ModelConfig& config) {
    std::vector<Token> tokens = tokenizer.encode(settings.text);
    const auto available = std::min<int64_t>(static_cast<int64_t>(tokens.size()), settings.tokens);
    if (available < 2) {
        throw Error("fidelity.too-short",
                    "The text to measure on gives " + std::to_string(available) +
                        " tokens; at least 2 were needed, and thousands are useful. Choose a "
                        "longer text, or more of its tokens.",
                    {{"tokens", std::to_string(available)}});
    }
    int64_t window = std::min<int64_t>(std::max(settings.window, 2), available);
    if (config.maxPositions > 0) {
        window = std::min<int64_t>(window, config.maxPositions);
    }
    const int64_t windows = available / window;
    tokens.resize(static_cast<size_t>(windows * window));
    return at::tensor(tokens, at::kLong).view({windows, window});
}

} // namespace caldera
