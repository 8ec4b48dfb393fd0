// How fast a GPU decodes: a simple model, good for an estimate.
#pragma once

#include <cstdint>

namespace caldera {

/// A step takes the time to read its bytes, and something for each layer beside that.
struct DecodeSpeed {
    double bytesPerSecond = 0.85 * 936e9; ///< an RTX 3090's, at 85 % of what its memory can do
    double layerSeconds = 60e-6;          ///< for barriers, attention and small phases

    /// Of one chat.
    double tokensPerSecond(int64_t stepBytes, int layers) const {
        return 1 / (static_cast<double>(stepBytes) / bytesPerSecond + layers * layerSeconds);
    }
    /// Most bytes that a step may read; negative when the layers alone take longer.
    double stepBytes(double tokensPerSecond, int layers) const {
        return (1 / tokensPerSecond - layers * layerSeconds) * bytesPerSecond;
    }
};

} // namespace caldera
