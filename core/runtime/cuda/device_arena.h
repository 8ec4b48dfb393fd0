// Memory of a GPU for many tensors that live equally long.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/common/device_memory.h"

namespace caldera {

/// Tensors lie one behind the other, aligned to 256 bytes, in one block where its size is known
/// before: the driver gives out whole pages of 2 MiB, so that a block for each tensor would waste
/// one where a size is just that of pages. Everything may be read kernels::kCodesBeyond bytes past
/// its end.
class DeviceArena {
public:
    DeviceArena() = default;
    /// With room for tensors that take so many bytes, as gpuWeightBytes() counts them. More are
    /// possible. Throws kernels::KernelError when there is none.
    explicit DeviceArena(int64_t expectedBytes) { take(expectedBytes); }

    /// Room for so many bytes. Throws kernels::KernelError when there is none.
    uint8_t* reserve(int64_t bytes);
    /// The values, copied.
    template <class Value>
    const Value* store(std::span<const Value> values) {
        return reinterpret_cast<const Value*>(
            storeBytes(values.data(), static_cast<int64_t>(values.size_bytes())));
    }

    int64_t bytes() const { return bytes_; }           ///< of the tensors
    int64_t takenBytes() const { return takenBytes_; } ///< with what aligns them
    size_t blocks() const { return blocks_.size(); }

private:
    const uint8_t* storeBytes(const void* data, int64_t count);
    void take(int64_t bytes);

    std::vector<kernels::cuda::DeviceMemory<uint8_t>> blocks_;
    uint8_t* next_ = nullptr; ///< of the last block
    int64_t left_ = 0;
    int64_t bytes_ = 0;
    int64_t takenBytes_ = 0;
};

} // namespace caldera
