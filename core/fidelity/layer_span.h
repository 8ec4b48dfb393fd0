// Layers that are measured together, and how their finished part is called.
#pragma once

#include <string>

namespace caldera {

/// Layers [begin, end).
struct LayerSpan {
    int begin = 0;
    int end = 0;

    /// Of the part among finished ones.
    std::string name() const {
        return "layers-" + std::to_string(begin) + "-" + std::to_string(end);
    }
};

} // namespace caldera
