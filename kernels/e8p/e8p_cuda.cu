#include "kernels/e8p/e8p_cuda.h"

#include <algorithm>
#include <cstdint>

#include "kernels/common/launch.cuh"
#include "kernels/e8p/search.cuh"

namespace caldera::kernels::cuda {
namespace {

constexpr int64_t kMaxGrid = 1 << 20;
constexpr int kEncodeWarps = 8; ///< of a thread block

} // namespace

void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded, CudaStream stream) {
    if (count == 0) {
        return;
    }
    const int64_t grid = std::min<int64_t>((count + kEncodeWarps - 1) / kEncodeWarps, kMaxGrid);
    e8pEncodeKernel<<<static_cast<unsigned>(grid), kEncodeWarps * kWarpLanes, 0, stream>>>(
        e8pDeviceTable(), x, count, codes, decoded);
    checkLaunch("e8p encode");
}

} // namespace caldera::kernels::cuda
