#include "kernels/common/copy_speed.h"
#include "kernels/common/device.h"

namespace caldera::kernels {

CudaDevice cudaDevice(int /*index*/) {
    CudaDevice device;
    device.reason = "This program was built without CUDA.";
    return device;
}

bool cudaDeviceAvailable() {
    return false;
}

double deviceCopySpeed(size_t /*most*/) {
    return 0;
}

} // namespace caldera::kernels
