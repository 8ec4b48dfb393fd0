// A model that stands for an artifact holds what an artifact of it would whose cells all stay
// whole.
#include <algorithm>

#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "tests/core/artifact/artifact_samples.h"
#include "tests/support/code_of.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

template <class T>
bool same(std::span<const T> a, std::span<const T> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST(ArtifactOfModel, HoldsWhatAnUncompressedArtifactHolds) {
    const test::ScratchFolder folder;
    ArtifactRequest request;
    request.model = tinyModel();
    request.folder = folder.path() / "whole";
    request.plan.skipLayers = {"*"};
    writeArtifact(request);
    const auto written = Artifact::open(request.folder);
    const auto standing = Artifact::ofModel(request.model);

    EXPECT_EQ(standing->name(), "tiny");
    EXPECT_EQ(standing->modelFingerprint(), written->modelFingerprint());
    EXPECT_EQ(standing->bitsPerWeight(), 16);
    EXPECT_EQ(standing->chat().defaultSystem, "You are small.");
    standing->verify();
    for (int layer = 0; layer < standing->config().layerCount; ++layer) {
        for (const Module module : kModules) {
            const ArtifactCell own = standing->cell({layer, module});
            const ArtifactCell its = written->cell({layer, module});
            EXPECT_TRUE(same(own.dense, its.dense)) << cellName(own.cell);
            EXPECT_FALSE(own.dense.empty());
            EXPECT_EQ(own.bias, its.bias);
        }
    }
    EXPECT_TRUE(same(standing->embedding().codes, written->embedding().codes));
    EXPECT_TRUE(same(standing->head().codes, written->head().codes));
    EXPECT_EQ(standing->norm("model.norm.weight"), written->norm("model.norm.weight"));
    EXPECT_EQ(test::codeOf([&] { standing->norm("model.nothing"); }), "artifact.tensor-missing");
}

} // namespace
} // namespace caldera
