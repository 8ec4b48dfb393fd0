#include "kernels/common/device.h"

#include <array>

#include <cuda_runtime.h>

namespace caldera::kernels {
namespace {

std::string version(int number) {
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

std::string reasonOf(cudaError_t status, const CudaDevice& device) {
    if (device.driverVersion == 0) {
        return "There is no NVIDIA driver.";
    }
    if (device.driverVersion / 1000 < device.runtimeVersion / 1000) {
        return "The NVIDIA driver speaks CUDA " + version(device.driverVersion) +
               "; this program needs " + version(device.runtimeVersion) +
               ". Install a newer driver.";
    }
    return std::string("The GPU cannot be used: ") + cudaGetErrorString(status) + ".";
}

/// Of a device that need not be the current one; 0 when it does not say.
int64_t freeBytesOf(int index) {
    int current = 0;
    size_t free = 0;
    size_t total = 0;
    if (cudaGetDevice(&current) != cudaSuccess || cudaSetDevice(index) != cudaSuccess ||
        cudaMemGetInfo(&free, &total) != cudaSuccess) {
        cudaGetLastError();
        free = 0;
    }
    cudaSetDevice(current);
    return static_cast<int64_t>(free);
}

/// Empty when it does not say.
std::string busIdOf(int index) {
    std::array<char, 32> id{};
    if (cudaDeviceGetPCIBusId(id.data(), static_cast<int>(id.size()), index) != cudaSuccess) {
        cudaGetLastError();
        return {};
    }
    return id.data();
}

} // namespace

CudaDevice cudaDevice(int index) {
    CudaDevice device;
    device.builtWithCuda = true;
    cudaDriverGetVersion(&device.driverVersion);
    cudaRuntimeGetVersion(&device.runtimeVersion);
    int count = 0;
    cudaError_t status = cudaGetDeviceCount(&count);
    cudaDeviceProp properties{};
    if (status == cudaSuccess && index < count) {
        status = cudaGetDeviceProperties(&properties, index);
    }
    if (status != cudaSuccess || index >= count) {
        cudaGetLastError(); // the failure was looked at: later calls start clean
        device.reason = reasonOf(status == cudaSuccess ? cudaErrorNoDevice : status, device);
        return device;
    }
    device.name = properties.name;
    device.computeMajor = properties.major;
    device.computeMinor = properties.minor;
    device.multiprocessors = properties.multiProcessorCount;
    device.memoryBytes = static_cast<int64_t>(properties.totalGlobalMem);
    device.freeMemoryBytes = freeBytesOf(index);
    device.busId = busIdOf(index);
    device.available = properties.major > 8 || (properties.major == 8 && properties.minor >= 6);
    if (!device.available) {
        device.reason = device.name + " has compute capability " +
                        std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                        "; these kernels need 8.6 or newer.";
    }
    return device;
}

bool cudaDeviceAvailable() {
    return cudaDevice().available;
}

} // namespace caldera::kernels
