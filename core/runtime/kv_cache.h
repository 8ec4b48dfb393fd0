// Keys and values of the tokens of one sequence, f32.
#pragma once

#include <cstdint>
#include <memory>

#include "core/model/config.h"

namespace caldera {

/// Room for a whole context; memory is taken from the system only as positions fill, and given back
/// when they are forgotten.
class KvCache {
public:
    /// Throws Error("engine.memory").
    KvCache(const ModelConfig& config, int capacity);

    int capacity() const { return capacity_; }
    int length() const { return length_; }
    static int64_t tokenBytes(const ModelConfig& config);

    /// One head's keys or values: [capacity, headSize]. Positions at and after length() may be
    /// written ahead; append() makes them count.
    float* keys(int layer, int head) { return keys_.get() + offset(layer, head); }
    float* values(int layer, int head) { return values_.get() + offset(layer, head); }

    void append(int tokens) { length_ += tokens; }
    void truncate(int length) noexcept;

private:
    /// Unmaps what reserve() mapped.
    struct Release {
        size_t bytes = 0;
        void operator()(float* values) const;
    };
    using Memory = std::unique_ptr<float, Release>;
    Memory reserve() const;
    int64_t offset(int layer, int head) const {
        return (static_cast<int64_t>(layer) * heads_ + head) * capacity_ * headSize_;
    }
    void giveBack(float* values, int first, int end) const noexcept;

    int layers_;
    int heads_;
    int headSize_;
    int capacity_;
    int length_ = 0;
    Memory keys_;
    Memory values_;
};

} // namespace caldera
