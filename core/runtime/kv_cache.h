// Keys and values of the tokens seen so far, f32.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/model/config.h"
#include "core/model/tokenizer.h"

namespace caldera {

/// Room for a whole context; memory is taken from the system only as positions fill.
class KvCache {
public:
    /// Throws Error("engine.memory").
    KvCache(const ModelConfig& config, int capacity);

    int capacity() const { return capacity_; }
    int length() const { return static_cast<int>(tokens_.size()); }
    const std::vector<Token>& tokens() const { return tokens_; }
    int64_t bytes() const; ///< of the positions in use

    /// One head's keys or values: [capacity, headSize]. Positions at and after length() may be
    /// written ahead; append() makes them count.
    float* keys(int layer, int head) { return keys_.get() + offset(layer, head); }
    float* values(int layer, int head) { return values_.get() + offset(layer, head); }

    void append(std::span<const Token> tokens);
    void truncate(int length) { tokens_.resize(static_cast<size_t>(length)); }

private:
    int64_t offset(int layer, int head) const {
        return (static_cast<int64_t>(layer) * heads_ + head) * capacity_ * headSize_;
    }

    int layers_;
    int heads_;
    int headSize_;
    int capacity_;
    std::vector<Token> tokens_;
    std::unique_ptr<float[]> keys_;
    std::unique_ptr<float[]> values_;
};

} // namespace caldera
