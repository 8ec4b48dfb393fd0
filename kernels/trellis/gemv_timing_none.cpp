#include "kernels/common/kernel_error.h"
#include "kernels/trellis/gemv_timing.h"

namespace caldera::kernels::cuda {

GemvTiming timeTrellisGemv(const TrellisCode& /*code*/, int64_t /*rows*/, int64_t /*columns*/) {
    throw KernelError("This program was built without CUDA, so it has no products on a GPU.");
}

} // namespace caldera::kernels::cuda
