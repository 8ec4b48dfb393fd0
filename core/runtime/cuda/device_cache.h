// Keys and values of all layers in the memory of a GPU, in pages that sequences share.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/config.h"
#include "kernels/common/device_memory.h"
#include "kernels/step/step.h"

namespace caldera {

class DeviceCache {
public:
    /// `pages` pages of kPageTokens tokens, 16 or 8 bits a number. Throws kernels::KernelError.
    DeviceCache(const ModelConfig& config, int pages, int bits);

    kernels::StepCache layer(int index) const;

private:
    int64_t numbers_; ///< of a layer's keys
    int64_t vectors_; ///< of a layer's keys, each with a scale at 8 bits
    int bits_;
    kernels::cuda::DeviceMemory<uint8_t> keys_;
    kernels::cuda::DeviceMemory<uint8_t> values_;
    kernels::cuda::DeviceMemory<float> keyScale_;
    kernels::cuda::DeviceMemory<float> valueScale_;
};

} // namespace caldera
