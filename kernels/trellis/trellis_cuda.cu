#include "kernels/trellis/trellis_cuda.h"

#include <algorithm>
#include <type_traits>

#include "kernels/common/launch.cuh"
#include "kernels/trellis/kernels.cuh"
#include "kernels/trellis/shapes.cuh"

namespace caldera::kernels::cuda {
namespace {

/// Thread blocks at most: the table is loaded once by each, and a GPU runs a few hundred at a time.
constexpr int64_t kMaxGrid = 4096;

} // namespace

void trellisEncode(const TrellisCode& code, const float* x, int64_t groups, uint8_t* codes,
                   float* decoded, CudaStream stream) {
    if (groups == 0) {
        return;
    }
    withSearch(code, [&](auto* search) {
        using Search = std::remove_pointer_t<decltype(search)>;
        trellisEncodeKernel<Search>
            <<<static_cast<unsigned>(std::min(groups, kMaxGrid)), Search::kThreads, 0, stream>>>(
                deviceTable(code), x, groups, codes, decoded);
        checkLaunch("trellis encode");
    });
}

} // namespace caldera::kernels::cuda
