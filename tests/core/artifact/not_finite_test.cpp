// An artifact never holds NaN or infinity, whatever the model holds.
#include <filesystem>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "tests/core/artifact/artifact_samples.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// A model one of whose tensors ends in another number.
class PoisonedWeights final : public WeightSource {
public:
    PoisonedWeights(std::shared_ptr<const WeightSource> weights, std::string tensor, float poison)
        : weights_(std::move(weights)), tensor_(std::move(tensor)), poison_(poison) {}
    const std::vector<TensorInfo>& tensors() const override { return weights_->tensors(); }
    const TensorInfo* find(const std::string& name) const override { return weights_->find(name); }
    void readRows(const std::string& name, int64_t first, int64_t count,
                  std::span<float> out) const override {
        weights_->readRows(name, first, count, out);
        if (name == tensor_) {
            out.back() = poison_;
        }
    }

private:
    std::shared_ptr<const WeightSource> weights_;
    std::string tensor_;
    float poison_;
};

TEST(ArtifactNumbers, AreFiniteOrNothingIsWritten) {
    const fs::path folder = fs::path(testing::TempDir()) / "caldera-artifact-numbers";
    const auto complaintWith = [&](const std::string& tensor, float poison) -> Complaint {
        fs::remove_all(folder);
        ArtifactRequest request = tinyRequest(folder);
        auto model = std::make_shared<Model>(*request.model);
        model->weights = std::make_shared<PoisonedWeights>(request.model->weights, tensor, poison);
        request.model = model;
        Complaint complaint = complaintOf([&] { writeArtifact(request); });
        EXPECT_EQ(isArtifact(folder), complaint.code == "(none)");
        return complaint;
    };
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const char* tensor :
         {"model.embed_tokens.weight", "lm_head.weight", "model.norm.weight",
          "model.layers.1.self_attn.q_proj.bias", "model.layers.0.mlp.up_proj.weight"}) {
        EXPECT_EQ(complaintWith(tensor, kNan).code, "artifact.not-finite") << tensor;
        EXPECT_THAT(complaintWith(tensor, -kInfinity).sentence, HasSubstr(tensor));
        EXPECT_EQ(complaintWith(tensor, 100.0F).code, "(none)") << tensor;
    }
    // bf16 rounds this to infinity, and the scale of an 8-bit row would be infinite
    EXPECT_EQ(complaintWith("model.embed_tokens.weight", 3.4e38F).code, "artifact.not-finite");
    EXPECT_EQ(complaintWith("lm_head.weight", 1e7F).code, "artifact.not-finite");
    fs::remove_all(folder);
}

} // namespace
} // namespace caldera
