#include "kernels/common/kernel_error.h"
#include "kernels/step/product_timing.h"

namespace caldera::kernels::cuda {

ProductTiming timeProduct(const ProductShape& /*shape*/, int64_t /*aheadBytes*/) {
    throw KernelError("This program was built without CUDA, so it has no products on a GPU.");
}

} // namespace caldera::kernels::cuda
