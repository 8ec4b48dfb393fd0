#include <filesystem>
#include <map>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/compress/packing_check.h"
#include "core/decompose/decompose.h"
#include "core/forward/transformer.h"
#include "core/job/job_folder.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

/// A tiny model and its artifact: rank 16, one skipped cell, an 8-bit head, 4-bit embeddings.
class ArtifactWeights : public testing::Test {
protected:
    void SetUp() override {
        model_->tokenizer = test::tinyTokenizer();
        model_->fingerprint = std::string(64, 'f');
        original_ = modelWeights(model_);
        Plan plan;
        plan.model = "tiny";
        plan.defaults.rank = 16;
        plan.defaults.outerIterations = 1;
        plan.embeddingBits = 4;
        plan.headBits = 8;
        plan.skipLayers = {cellName(kSkipped)};
        const auto folder = std::filesystem::path(testing::TempDir()) / ("weights-" + newJobId());
        std::filesystem::remove_all(folder);
        ArtifactRequest request;
        request.model = model_;
        request.plan = plan;
        request.folder = folder;
        request.codecTables = codecTables(plan, model_->config);
        request.load = [&](Cell cell) { return compressed(cell, plan.settingsOf(cell)); };
        request.verify = [](const CompressedCell&) {};
        writeArtifact(request);
        weights_ = artifactWeights(Artifact::open(folder));
    }

    CompressedCell compressed(Cell cell, const CellSettings& settings) {
        const torch::Tensor weight =
            original_->block(cell.layer).weight[static_cast<size_t>(cell.module)];
        const GroupBasis basis =
            makeGroupBasis({}, weight.size(1), settings, static_cast<uint64_t>(cell.layer));
        const CompressedCell made = decompose({cell, weight, settings, 7, {}}, basis);
        expected_[cell] = reconstruct(made);
        return made;
    }

    static constexpr Cell kSkipped{1, Module::OProj};
    std::shared_ptr<Model> model_ = test::tinyModel();
    std::shared_ptr<const TransformerWeights> original_;
    std::shared_ptr<const TransformerWeights> weights_;
    std::map<Cell, torch::Tensor> expected_;
};

torch::Tensor roundedToBf16(const torch::Tensor& x) {
    return x.to(at::kBFloat16).to(at::kFloat);
}

} // namespace

TEST_F(ArtifactWeights, CellsAreWhatTheSolverMeant) {
    ASSERT_EQ(expected_.size(), 13U);
    for (const auto& [cell, expected] : expected_) {
        const BlockWeights block = weights_->block(cell.layer);
        EXPECT_TRUE(at::equal(block.weight[static_cast<size_t>(cell.module)], expected))
            << cellName(cell);
    }
}

TEST_F(ArtifactWeights, WhatIsNotCompressedComesThrough) {
    for (int layer = 0; layer < 2; ++layer) {
        const BlockWeights block = weights_->block(layer);
        const BlockWeights original = original_->block(layer);
        EXPECT_TRUE(at::allclose(block.inputNorm, original.inputNorm, 1e-2, 1e-2));
        EXPECT_TRUE(at::allclose(block.postAttentionNorm, original.postAttentionNorm, 1e-2, 1e-2));
        for (size_t module = 0; module < 7; ++module) {
            ASSERT_EQ(block.bias[module].defined(), original.bias[module].defined()) << module;
            if (block.bias[module].defined()) {
                EXPECT_TRUE(at::allclose(block.bias[module], original.bias[module], 1e-2, 1e-2));
            }
        }
    }
    const auto skipped = static_cast<size_t>(kSkipped.module);
    EXPECT_TRUE(at::equal(weights_->block(kSkipped.layer).weight[skipped],
                          roundedToBf16(original_->block(kSkipped.layer).weight[skipped])));
    EXPECT_TRUE(at::allclose(weights_->finalNorm(), original_->finalNorm(), 1e-2, 1e-2));
}

TEST_F(ArtifactWeights, TablesDecodeToTheirRows) {
    const torch::Tensor tokens = at::tensor({5, 90, 5, 0}, at::kLong).view({2, 2});
    const torch::Tensor rows = original_->embed(tokens); // [2, 2, hidden]
    const torch::Tensor coarse = rows.abs().amax(-1, true) / 7;
    EXPECT_TRUE(((weights_->embed(tokens) - rows).abs() <= 0.65 * coarse).all().item<bool>());
    const torch::Tensor head = original_->head();
    const torch::Tensor step = head.abs().amax(1, true) / 127;
    EXPECT_TRUE(((weights_->head() - head).abs() <= 0.51 * step).all().item<bool>());
}
