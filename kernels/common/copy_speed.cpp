#include "kernels/common/copy_speed.h"

#include "kernels/common/cuda_graph.h"
#include "kernels/common/device.h"

namespace caldera::kernels {

namespace {

constexpr int kSamples = 5;
constexpr int kCopies = 8;                  // of a sample, so that only the first one is waited for
constexpr size_t kLeast = size_t{64} << 20; // below, a second-level cache holds it
constexpr const char* kDoing = "Copying memory";

/// Outside a graph: inside one the driver's copy is a fifth slower, with nothing beside it.
double secondsOfCopy(size_t bytes) {
    const cuda::DeviceMemory<unsigned char> from(bytes);
    const cuda::DeviceMemory<unsigned char> to(bytes);
    const cuda::CudaStreamHandle stream = cuda::makeCudaStream(kDoing);
    const auto copy = [&] {
        for (int i = 0; i < kCopies; ++i) {
            cuda::require(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice,
                                          stream.get()),
                          kDoing);
        }
    };
    copy();
    return cuda::medianSeconds(stream.get(), kSamples, kDoing, copy) / kCopies;
}

} // namespace

double deviceCopySpeed(size_t most) {
    if (!cudaDeviceAvailable()) {
        return 0;
    }
    for (size_t bytes = most; bytes >= kLeast; bytes /= 2) {
        try {
            return 2.0 * static_cast<double>(bytes) / secondsOfCopy(bytes);
        } catch (const KernelError&) { // no room: a model takes nearly all of it
            continue;
        }
    }
    return 0;
}

} // namespace caldera::kernels
