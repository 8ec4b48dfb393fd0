#include "core/runtime/cuda/device_arena.h"

#include "kernels/step/step.h"

namespace caldera {

namespace {

constexpr int64_t kAlignment = 256;
constexpr int64_t kSharedBlock = 32 << 20;
constexpr int64_t kLarge = 4 << 20;
constexpr int64_t kPage = 2 << 20; ///< what the driver gives out

int64_t roundUp(int64_t bytes, int64_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

} // namespace

int64_t DeviceArena::taken(int64_t bytes) {
    const int64_t wanted = roundUp(bytes + kernels::kCodesBeyond, kAlignment);
    return wanted >= kLarge ? roundUp(wanted, kPage) : roundUp(bytes, kAlignment);
}

uint8_t* DeviceArena::take(int64_t bytes) {
    blocks_.emplace_back(static_cast<size_t>(bytes));
    return blocks_.back().data();
}

uint8_t* DeviceArena::reserve(int64_t bytes) {
    bytes_ += bytes;
    const int64_t wanted = roundUp(bytes + kernels::kCodesBeyond, kAlignment);
    if (wanted >= kLarge) {
        return take(wanted);
    }
    if (wanted > left_) {
        next_ = take(kSharedBlock);
        left_ = kSharedBlock;
    }
    uint8_t* taken = next_;
    // What is read past a tensor's end may be another tensor; only the last needs room behind it.
    const int64_t used = roundUp(bytes, kAlignment);
    next_ += used;
    left_ -= used;
    return taken;
}

const uint8_t* DeviceArena::storeBytes(const void* data, int64_t count) {
    uint8_t* to = reserve(count);
    kernels::cuda::require(cudaMemcpy(to, data, static_cast<size_t>(count), cudaMemcpyHostToDevice),
                           "Copying weights");
    return to;
}

} // namespace caldera
