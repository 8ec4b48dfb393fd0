#include "core/linalg/device.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/util/Exception.h>
#ifdef CALDERA_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include "core/base/error.h"

namespace caldera {

torch::Device deviceOf(const std::string& name) {
    if (name == "cpu") {
        return torch::kCPU;
    }
    if (name != "cuda" && !name.starts_with("cuda:")) {
        throw Error("device.unknown",
                    "The device \"" + name + "\" is unknown: \"cpu\" or \"cuda\" was needed.",
                    {{"device", name}});
    }
    if (!at::hasCUDA()) {
        throw Error("device.missing",
                    "The device \"" + name +
                        "\" was asked for, but LibTorch finds no CUDA device: this build has no "
                        "CUDA, the driver is too old, or the machine has no NVIDIA GPU. Use "
                        "\"cpu\", or see packaging/bootstrap.sh for a CUDA build.",
                    {{"device", name}});
    }
    try {
        return torch::Device(name);
    } catch (const c10::Error&) {
        throw Error("device.unknown",
                    "The device \"" + name +
                        "\" cannot be read: \"cuda\" or \"cuda:0\" was needed.",
                    {{"device", name}});
    }
}

void finishWork(const torch::Device& device) {
    if (device.is_cuda()) {
        at::zeros({1}, at::TensorOptions(device)).item<float>(); // behind everything in the stream
    }
}

#ifdef CALDERA_CUDA

namespace {

/// "cuda" without a number is the first.
auto deviceIndex(const torch::Device& device) {
    return device.has_index() ? device.index() : decltype(device.index()){0};
}

} // namespace

PeakMemory peakMemory(const torch::Device& device) {
    if (!device.is_cuda()) {
        return {};
    }
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(deviceIndex(device));
    return {stats.allocated_bytes[0].peak, stats.reserved_bytes[0].peak}; // 0: of all sizes
}

void resetPeakMemory(const torch::Device& device) {
    if (device.is_cuda()) {
        c10::cuda::CUDACachingAllocator::resetPeakStats(deviceIndex(device));
    }
}

#else

PeakMemory peakMemory(const torch::Device&) {
    return {};
}

void resetPeakMemory(const torch::Device&) {}

#endif

} // namespace caldera
