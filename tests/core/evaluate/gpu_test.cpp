// Calibration, evaluation and fidelity on a GPU against the processor.
#include <cmath>
#include <filesystem>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/calibration/calibration.h"
#include "core/evaluate/evaluate.h"
#include "core/fidelity/fidelity.h"
#include "tests/support/random_model.h"
#include "tests/support/scratch_folder.h"

using namespace caldera;

namespace {

class OnAGpu : public testing::Test {
protected:
    void SetUp() override {
        if (!at::hasCUDA()) {
            GTEST_SKIP() << "LibTorch finds no CUDA device";
        }
        at::globalContext().setDeterministicAlgorithms(true, true);
    }
};

} // namespace

TEST_F(OnAGpu, HessiansAgreeWithTheProcessors) {
    const auto model = test::tinyModel();
    const torch::Tensor tokens = at::arange(2 * 64).remainder(95).view({2, 64});
    const auto run = [&](torch::Device device) {
        const auto weights = modelWeights(model, device);
        torch::Tensor hidden = weights->embed(tokens).to(at::kCPU); // as the compressor keeps it
        const BlockHessians hessians = calibrateBlock(model->config, weights->block(0), hidden);
        return std::pair(hidden, hessians.hessian);
    };
    const auto [hidden, hessian] = run(at::kCPU);
    const auto [gpuHidden, gpuHessian] = run(at::kCUDA);
    // Products of bf16 on the GPU (docs/decisions/0042).
    const auto difference = [](const torch::Tensor& a, const torch::Tensor& b) {
        return ((a - b).norm() / b.norm()).item<double>();
    };
    EXPECT_LT(difference(gpuHidden, hidden), 0.01);
    for (size_t group = 0; group < 4; ++group) {
        EXPECT_LT(difference(gpuHessian[group].cpu(), hessian[group]), 0.02) << group;
    }
}

TEST_F(OnAGpu, CalibratingLeavesTheBitsThatPropagatingLeaves) {
    const auto model = test::tinyModel();
    const auto weights = modelWeights(model, at::kCUDA);
    torch::Tensor calibrated =
        weights->embed(at::arange(2 * 64).remainder(95).view({2, 64})).to(at::kCPU);
    torch::Tensor propagated = calibrated.clone();
    calibrateBlock(model->config, weights->block(0), calibrated);
    propagateBlock(model->config, weights->block(0), propagated);
    EXPECT_TRUE(at::equal(calibrated, propagated));
}

TEST_F(OnAGpu, EvaluationAgreesWithTheProcessorAndWithItself) {
    const auto run = [](torch::Device device) {
        EvaluateRequest request;
        request.subject = modelWeights(test::tinyModel(1), device);
        request.reference = modelWeights(test::tinyModel(2), device);
        request.tokenizer = test::tinyTokenizer();
        request.text = test::tinyText(3000);
        request.contextLength = 64;
        auto numbers = toRecord("a", evaluate(request, noProgress(), {})).numbers;
        numbers.erase("seconds");
        return numbers;
    };
    const auto numbers = run(at::kCPU);
    const auto gpuNumbers = run(at::kCUDA);
    EXPECT_EQ(gpuNumbers, run(at::kCUDA));
    for (const auto& [name, value] : numbers) {
        EXPECT_NEAR(gpuNumbers.at(name), value, 1e-3 * std::abs(value) + 1e-3) << name;
    }
}

TEST_F(OnAGpu, FidelityAgreesWithTheProcessor) {
    const test::ScratchFolder folder;
    const auto path = folder / "text.txt";
    writeFileAtomically(path, test::tinyText(4000));
    auto model = test::tinyModel();
    model->tokenizer = test::tinyTokenizer();
    FidelityRequest request;
    request.model = model;
    request.plan = defaultPlan("tiny", model->config);
    request.plan.calibration.text = path.string();
    request.plan.calibration.tokens = 2048;
    const auto values = measureFidelity(request, noProgress(), {}).fidelity[0].values;
    request.device = "cuda";
    const auto gpuValues = measureFidelity(request, noProgress(), {}).fidelity[0].values;
    ASSERT_EQ(gpuValues.size(), values.size());
    for (const auto& [cell, value] : gpuValues) {
        // A value at the border of two codewords may fall to either side.
        EXPECT_NEAR(value, values.at(cell), 0.02) << cellName(cell);
    }
}
