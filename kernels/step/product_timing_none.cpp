#include "kernels/common/kernel_error.h"
#include "kernels/step/product_timing.h"

namespace caldera::kernels::cuda {

namespace {
constexpr const char* kNone =
    "This program was built without CUDA, so it has no products on a GPU.";
} // namespace

ProductTiming timeProduct(const ProductShape& /*shape*/, int64_t /*aheadBytes*/) {
    throw KernelError(kNone);
}

double timeDenseProduct(const ProductShape& /*shape*/) {
    throw KernelError(kNone);
}

} // namespace caldera::kernels::cuda
