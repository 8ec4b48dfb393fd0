// What an engine is said to take of a GPU, against what engines were seen to take.
#include "core/plan/gpu_memory.h"

#include <gtest/gtest.h>

#include "core/plan/decode_speed.h"
#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

constexpr double kGibi = 1 << 30;

Plan planOfRank(int rank) {
    Plan plan;
    plan.defaults.rank = rank;
    plan.headBits = 4;
    return plan;
}

TEST(GpuMemory, IsWhatAnEngineWasSeenToTake) {
    // `bench decode --rank 64`, context 8192, one chat, H100: 20.53 GiB at 16 bits, 19.32 at 8.
    const GpuLoad load{.contextLength = 8192};
    const double wide = gpuMemory(planOfRank(64), seventyTwo(), load, 16).total() / kGibi;
    const double narrow = gpuMemory(planOfRank(64), seventyTwo(), load, 8).total() / kGibi;
    EXPECT_GE(wide, 20.53);
    EXPECT_LT(wide, 20.53 + 0.15);
    EXPECT_GE(narrow, 19.32);
    EXPECT_LT(narrow, 19.32 + 0.15);
    const GpuLoad eight{.contextLength = 2048, .chats = 8};
    const double chats = gpuMemory(planOfRank(64), seventyTwo(), eight, 16).total() / kGibi;
    EXPECT_GE(chats, 23.02); // seen, with `--context 2048 --chats 8`
    EXPECT_LT(chats, 23.02 + 0.15);
}

TEST(GpuMemory, CountsWholePagesOfTheCache) {
    const ModelConfig config = seventyTwo();
    const auto cache = [&](int tokens, int bits) {
        return gpuMemory(planOfRank(0), config, {.contextLength = tokens}, bits).cacheBytes;
    };
    EXPECT_EQ(cache(1, 16), 64 * 80 * 8 * 2 * 128 * 2);
    EXPECT_EQ(cache(64, 16), cache(1, 16));
    EXPECT_EQ(cache(65, 16), 2 * cache(1, 16));
    EXPECT_EQ(cache(64, 8), 64 * 80 * 8 * 2 * (128 + 4));
}

TEST(GpuMemory, CountsCodesWithoutAProductAsNumbersOf16Bits) {
    CellSettings settings;
    settings.rank = 0;
    const MatrixShape shape{8192, 8192};
    EXPECT_EQ(gpuCellBytes(settings, shape), (16 << 20) + 512 * 4 + 8192 * 2);
    settings.codec = "e8p"; // of two bits, too
    EXPECT_EQ(gpuCellReadBytes(settings, shape), (16 << 20) + 512 * 4 + 8192 * 2);
    EXPECT_EQ(gpuCellReadBytes(settings, {8192, 4}), 8192 * 4 * 2 + 512 * 4 + 8192 * 2);
    settings.bits = 3;
    EXPECT_EQ(gpuCellReadBytes(settings, shape), 8192LL * 8192 * 2 + 512 * 4 + 8192 * 2);
    settings.skip = true;
    EXPECT_EQ(gpuCellReadBytes(settings, shape), 8192LL * 8192 * 2);
}

TEST(GpuMemory, KeepsAnEmbeddingOfItsOwnInTheMachine) {
    ModelConfig config = seventyTwo();
    Plan plan = planOfRank(0);
    const auto weights = [&] { return gpuMemory(plan, config, {}, 16).weightBytes; };
    const int64_t before = weights();
    plan.embeddingBits = 4;
    EXPECT_EQ(weights(), before);
    config.tiedEmbeddings = true;
    EXPECT_EQ(weights(), before); // the head is the embedding now, and has 4 bits as well
    plan.embeddingBits = 16;
    EXPECT_EQ(weights() - before, gpuHeadBytes(config, 16) - gpuHeadBytes(config, 4));
}

TEST(DecodeSpeed, AsksForTheBytesThatItTakes) {
    const DecodeSpeed speed{2.29e12, 25e-6}; // products, and all else, of an H100
    const int64_t bytes = gpuStepBytes(planOfRank(64), seventyTwo(), {.contextLength = 1024}, 16);
    const double tokens = speed.tokensPerSecond(bytes, 80);
    EXPECT_NEAR(tokens, 98, 3); // measured there
    EXPECT_NEAR(speed.stepBytes(tokens, 80), static_cast<double>(bytes), 1e3);
    EXPECT_LT(speed.stepBytes(1e6, 80), 0);
}

} // namespace
} // namespace caldera
