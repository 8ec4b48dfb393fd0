// What all tests of prompts on a GPU work with.
#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/prompt/matrix_products.h"
#include "tests/kernels/gpu_test.h"
#include "tests/kernels/gpu_values.h"

using Floats = std::vector<float>;

inline Floats rowOf(const Floats& rows, int64_t row, int64_t size) {
    return {rows.begin() + row * size, rows.begin() + (row + 1) * size};
}

class CudaPrompt : public GpuTest {
protected:
    void SetUp() override {
        GpuTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        products_ = std::make_unique<caldera::kernels::cuda::MatrixProducts>(nullptr);
    }

    Arrays arrays_;
    std::unique_ptr<caldera::kernels::cuda::MatrixProducts> products_; ///< only with a GPU
};
