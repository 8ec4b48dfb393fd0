// From the name of a device to the device.
#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

namespace caldera {

/// "cpu", "cuda" or "cuda:1". Throws Error("device.*") when the name is unknown or this build or
/// machine has no such device.
torch::Device deviceOf(const std::string& name);

/// Returns when the device has done everything that was asked of it.
void finishWork(const torch::Device& device);

/// Bytes that tensors took on a GPU at most since resetPeakMemory; 0 on a processor.
struct PeakMemory {
    int64_t used = 0;     ///< by tensors
    int64_t reserved = 0; ///< from the driver, gaps included
};
PeakMemory peakMemory(const torch::Device& device);
void resetPeakMemory(const torch::Device& device);

} // namespace caldera
