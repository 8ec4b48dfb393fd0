// The GPU as the kernels see it. Links, and answers "none", in builds without CUDA and on machines
// without a GPU.
#pragma once

#include <cstdint>
#include <string>

namespace caldera::kernels {

struct CudaDevice {
    bool builtWithCuda = false;
    bool available = false; ///< a device that these kernels run on
    std::string reason;     ///< why there is none, a sentence; empty when available
    std::string name;       ///< "NVIDIA GeForce RTX 3090"
    std::string busId;      ///< "0000:65:00.0"
    int driverVersion = 0;  ///< CUDA version of the driver: 13000 is 13.0; 0 without a driver
    int runtimeVersion = 0; ///< CUDA version of this build; 0 without CUDA
    int computeMajor = 0;   ///< 8 and 6 for sm_86
    int computeMinor = 0;
    int multiprocessors = 0;
    int64_t memoryBytes = 0;
    int64_t freeMemoryBytes = 0;
};

/// The device of this number. Never throws.
CudaDevice cudaDevice(int index = 0);

/// cudaDevice().available.
bool cudaDeviceAvailable();

} // namespace caldera::kernels
