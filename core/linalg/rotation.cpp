#include "core/linalg/rotation.h"

#include <cmath>

#include <ATen/ATen.h>

#include "kernels/hadamard/hadamard.h"

namespace caldera {

namespace {

/// [block, block] f32, symmetric, orthonormal.
torch::Tensor hadamardMatrix(int64_t block, const torch::Device& device) {
    torch::Tensor matrix = at::eye(block, at::kFloat);
    kernels::blockHadamard(matrix.data_ptr<float>(), block, block, block);
    return matrix.to(device);
}

} // namespace

torch::Tensor rotateColumns(const torch::Tensor& x, int64_t block) {
    if (block == 1) {
        return x;
    }
    const torch::Tensor blocks = x.contiguous().view({-1, block});
    return at::mm(blocks, hadamardMatrix(block, x.device())).view(x.sizes());
}

torch::Tensor rotateRows(const torch::Tensor& x, int64_t block) {
    if (block == 1) {
        return x;
    }
    const int64_t groups = x.size(0) / block;
    const torch::Tensor blocks = x.contiguous().view({groups, block, x.size(1)});
    const torch::Tensor matrix = hadamardMatrix(block, x.device()).expand({groups, block, block});
    return at::bmm(matrix, blocks).view(x.sizes()); // [size, columns]
}

} // namespace caldera
