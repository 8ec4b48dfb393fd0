// Memory of a GPU for many tensors that live equally long.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/common/device_memory.h"

namespace caldera {

/// Large tensors get memory of their own, small ones share blocks. Everything is aligned to 256
/// bytes and may be read kernels::kCodesBeyond bytes past its end.
class DeviceArena {
public:
    /// Room for so many bytes. Throws kernels::KernelError when there is none.
    uint8_t* reserve(int64_t bytes);
    /// The values, copied.
    template <class Value>
    const Value* store(std::span<const Value> values) {
        return reinterpret_cast<const Value*>(
            storeBytes(values.data(), static_cast<int64_t>(values.size_bytes())));
    }

    int64_t bytes() const { return bytes_; } ///< of the tensors

private:
    const uint8_t* storeBytes(const void* data, int64_t count);
    uint8_t* take(int64_t bytes);

    std::vector<kernels::cuda::DeviceMemory<uint8_t>> blocks_;
    uint8_t* next_ = nullptr; ///< of the block that small tensors share
    int64_t left_ = 0;
    int64_t bytes_ = 0;
};

} // namespace caldera
