// Rotary position embedding as Hugging Face computes it, with Llama 3's frequency scaling.
#pragma once

#include <vector>

#include "core/model/config.h"

namespace caldera {

/// Angles for every position of a context, made once.
class RotaryEmbedding {
public:
    RotaryEmbedding(const ModelConfig& config, int contextLength);

    /// Rotates `heads` heads of headSize values at `position`, in place: value i turns with value
    /// i + headSize / 2.
    void rotate(float* values, int heads, int position) const;

    /// Angles of all positions: [contextLength, headSize / 2].
    const std::vector<float>& cosines() const { return cosines_; }
    const std::vector<float>& sines() const { return sines_; }

private:
    int half_;
    std::vector<float> cosines_; ///< [contextLength, headSize / 2]
    std::vector<float> sines_;
};

} // namespace caldera
