#include "core/runtime/cuda/device_arena.h"

#include "core/plan/gpu_memory.h"
#include "kernels/step/step.h"

namespace caldera {

namespace {

constexpr int64_t kSharedBlock = 32 << 20;
static_assert(kGpuReadBeyond == kernels::kCodesBeyond);

} // namespace

uint8_t* DeviceArena::take(int64_t bytes) {
    blocks_.emplace_back(static_cast<size_t>(bytes));
    return blocks_.back().data();
}

uint8_t* DeviceArena::reserve(int64_t bytes) {
    bytes_ += bytes;
    const int64_t taken = gpuTensorBytes(bytes);
    if (taken >= kGpuOwnBlock) {
        return take(taken);
    }
    if (taken + kGpuReadBeyond > left_) {
        next_ = take(kSharedBlock);
        left_ = kSharedBlock;
    }
    uint8_t* first = next_;
    // What is read past a tensor's end may be another tensor; only the last needs room behind it.
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
