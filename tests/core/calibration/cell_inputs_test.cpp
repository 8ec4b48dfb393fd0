#include "core/calibration/cell_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unistd.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/calibration/calibration.h"
#include "core/linalg/numerics.h"
#include "core/model/safetensors.h"
#include "tests/core/artifact/artifact_samples.h"
#include "tests/support/random_model.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;

class CellInputs : public testing::Test {
protected:
    void SetUp() override {
        fixNumerics(1);
        fs::remove_all(root_);
        ModelConfig config = tinyConfig();
        config.vocabSize = 2048; // the tokenizer's
        request_.model = tinyModel(config);
        request_.calibration.tokens = 256;
        request_.calibration.sequenceLength = 64;
        request_.folder = root_ / "all";
    }
    void TearDown() override { fs::remove_all(root_); }

    std::vector<fs::path> write(std::vector<Cell> cells) {
        request_.cells = std::move(cells);
        return writeCellInputs(request_, noProgress(), {});
    }

    fs::path root_ =
        fs::temp_directory_path() / ("caldera-cell-inputs-" + std::to_string(::getpid()));
    CellInputsRequest request_;
};

torch::Tensor matrixOf(const fs::path& file, const std::string& name) {
    const SafetensorsFile open(file);
    const TensorView& view = open.at(name);
    EXPECT_EQ(view.dtype, "F32");
    torch::Tensor matrix = at::empty(view.shape, at::kFloat);
    EXPECT_EQ(matrix.nbytes(), view.bytes.size());
    std::memcpy(matrix.data_ptr<float>(), view.bytes.data(),
                std::min(matrix.nbytes(), view.bytes.size()));
    return matrix;
}

TEST_F(CellInputs, AreTheWeightAndTheHessianOfItsInput) {
    const std::vector<Cell> cells = {{1, Module::QProj}, {1, Module::OProj}, {1, Module::DownProj}};
    const std::vector<fs::path> files = write(cells);
    ASSERT_EQ(files.size(), cells.size());
    const Model& model = *request_.model;
    const auto weights = modelWeights(request_.model);
    torch::Tensor hidden = weights->embed(calibrationTokens(
        *model.tokenizer, calibrationText(request_.calibration), request_.calibration));
    calibrateBlock(model.config, weights->block(0), hidden);
    const BlockWeights block = weights->block(1);
    const BlockHessians hessians = calibrateBlock(model.config, block, hidden);
    for (size_t i = 0; i < cells.size(); ++i) {
        const Module module = cells[i].module;
        EXPECT_TRUE(
            at::equal(matrixOf(files[i], "weight"), block.weight[static_cast<size_t>(module)]))
            << files[i];
        EXPECT_TRUE(at::equal(matrixOf(files[i], "hessian"),
                              hessians.hessian[static_cast<size_t>(inputGroupOf(module))]))
            << files[i];
    }
}

TEST_F(CellInputs, ComeInTheOrderOfTheModelAndOnce) {
    const std::vector<fs::path> files = write({{1, Module::KProj},
                                               {0, Module::DownProj},
                                               {1, Module::KProj},
                                               {1, Module::QProj},
                                               {0, Module::QProj}});
    std::vector<std::string> names;
    for (const fs::path& file : files) {
        EXPECT_EQ(file.parent_path(), request_.folder);
        names.push_back(file.stem().string());
    }
    EXPECT_THAT(names, testing::ElementsAre(
                           "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj",
                           "model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.k_proj"));
}

TEST_F(CellInputs, AreTheSameWhetherEarlierLayersAreWantedOrNot) {
    const Cell last = {1, Module::DownProj};
    const std::string with = readTextFile(write({{0, Module::QProj}, last}).back());
    request_.folder = root_ / "last";
    const std::vector<fs::path> files = write({last});
    ASSERT_EQ(files.size(), 1U);
    EXPECT_TRUE(readTextFile(files.front()) == with);
}

TEST_F(CellInputs, ThatAreNoNumbersAreNamedAndNotWritten) {
    ModelConfig config = test::tinyConfig();
    config.vocabSize = request_.model->config.vocabSize;
    const auto complaintAbout = [&](const std::string& tensor, float value) -> std::string {
        const auto weights = test::tinyWeights(config, 1);
        weights->values(tensor).front() = value;
        const auto model = test::tinyModel(1, config);
        model->weights = weights;
        model->tokenizer = request_.model->tokenizer;
        request_.model = model;
        try {
            write({{0, Module::DownProj}});
        } catch (const Error& error) {
            return error.code() + ": " + error.what();
        }
        return "";
    };
    EXPECT_THAT(complaintAbout("model.layers.0.mlp.down_proj.weight", NAN),
                testing::StartsWith("calibration.not-finite: model.layers.0.mlp.down_proj: the "
                                    "weight holds NaN or infinity"));
    EXPECT_THAT(complaintAbout("model.layers.0.self_attn.q_proj.weight", INFINITY),
                testing::StartsWith("calibration.not-finite: model.layers.0.mlp.down_proj: the "
                                    "hessian holds NaN or infinity"));
    EXPECT_TRUE(fs::is_empty(request_.folder));
}

TEST_F(CellInputs, OfNothingAreNoFiles) {
    EXPECT_TRUE(write({}).empty());
    EXPECT_TRUE(fs::is_empty(request_.folder));
}

} // namespace
} // namespace caldera
