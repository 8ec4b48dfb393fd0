#include "core/runtime/cuda/device_arena.h"

#include <algorithm>

#include "core/plan/gpu_memory.h"
#include "kernels/step/step.h"

namespace caldera {

namespace {

constexpr int64_t kLeastBlock = 32 << 20;
static_assert(kGpuReadBeyond == kernels::kCodesBeyond);

} // namespace

void DeviceArena::take(int64_t bytes) {
    blocks_.emplace_back(static_cast<size_t>(bytes + kGpuReadBeyond));
    next_ = blocks_.back().data();
    left_ = bytes;
}

/// What is read past a tensor's end may be another tensor; only the last needs room behind it.
uint8_t* DeviceArena::reserve(int64_t bytes) {
    bytes_ += bytes;
    const int64_t taken = gpuTensorBytes(bytes);
    if (taken > left_) {
        take(std::max(taken, kLeastBlock));
    }
    takenBytes_ += taken;
    uint8_t* first = next_;
    next_ += taken;
    left_ -= taken;
    return first;
}

const uint8_t* DeviceArena::storeBytes(const void* data, int64_t count) {
    uint8_t* to = reserve(count);
    kernels::cuda::require(cudaMemcpy(to, data, static_cast<size_t>(count), cudaMemcpyHostToDevice),
                           "Copying weights");
    return to;
}

} // namespace caldera
