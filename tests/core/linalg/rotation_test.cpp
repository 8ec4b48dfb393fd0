#include "core/linalg/rotation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/hadamard/hadamard.h"

using namespace caldera;

TEST(Rotation, ColumnsAgreeWithTheKernel) {
    at::manual_seed(1);
    const torch::Tensor x = at::randn({5, 96});
    torch::Tensor expected = x.clone();
    kernels::blockHadamard(expected.data_ptr<float>(), 5, 96, 32);
    EXPECT_TRUE(at::allclose(rotateColumns(x, 32), expected, 1e-5, 1e-5));
}

TEST(Rotation, RowsAreColumnsOfTheTranspose) {
    at::manual_seed(2);
    const torch::Tensor x = at::randn({48, 7});
    EXPECT_TRUE(
        at::allclose(rotateRows(x, 16), rotateColumns(x.t().contiguous(), 16).t(), 1e-5, 1e-5));
}

TEST(Rotation, IsItsOwnInverse) {
    at::manual_seed(3);
    const torch::Tensor x = at::randn({256, 12});
    EXPECT_TRUE(at::allclose(rotateRows(rotateRows(x, 128), 128), x, 1e-5, 1e-5));
    EXPECT_TRUE(at::equal(rotateColumns(x, 1), x));
}
