// What fits into a GPU beside a model: arithmetic, so no GPU is needed.
#include "core/runtime/gpu_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/plan/gpu_memory.h"
#include "kernels/step/step_code.h"
#include "tests/support/complaint.h"
#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GpuPoolTest : public testing::Test {
protected:
    static void SetUpTestSuite() { model_ = new test::TinyModel({.codec = "trellis", .bits = 2}); }
    static void TearDownTestSuite() { delete model_; }

    static EngineSettings settings(int context, int chats, int cacheBits = 16) {
        return {.contextLength = context, .chats = chats, .cacheBits = cacheBits};
    }
    /// Bytes for so many tokens beside everything else.
    static int64_t roomFor(int64_t tokens, const EngineSettings& wanted) {
        const Artifact& artifact = *model_->artifact();
        GpuLoad load;
        load.contextLength = wanted.contextLength;
        load.chats = wanted.chats;
        const GpuMemory memory =
            gpuMemory(artifact.plan(), artifact.config(), load, wanted.cacheBits);
        return memory.weightBytes + memory.workspaceBytes +
               tokens * gpuCacheTokenBytes(artifact.config(), wanted.cacheBits);
    }
    static int64_t poolIn(int64_t bytes, const EngineSettings& wanted) {
        return gpuPoolTokens(*model_->artifact(), wanted, bytes);
    }
    static Complaint complaint(int64_t bytes, const EngineSettings& wanted) {
        return complaintOf([&] { poolIn(bytes, wanted); });
    }

    static inline test::TinyModel* model_ = nullptr;
};

} // namespace

TEST_F(GpuPoolTest, GivesEveryChatAContextWhereThereIsRoom) {
    const EngineSettings wanted = settings(100, 4);
    EXPECT_EQ(poolIn(roomFor(1000000, wanted), wanted), 4 * 128);
    EXPECT_EQ(poolIn(roomFor(300, wanted), wanted), 256) << "whole pages";
    EXPECT_EQ(poolIn(roomFor(128, wanted), wanted), 128);
}

TEST_F(GpuPoolTest, SaysWhatIsNeededAndWhatWouldFit) {
    const EngineSettings wanted = settings(256, 1);
    const Complaint c = complaint(roomFor(192, wanted), wanted);
    EXPECT_EQ(c.code, "engine.memory");
    EXPECT_THAT(c.sentence, HasSubstr("for a context of 256 tokens"));
    EXPECT_THAT(c.sentence, HasSubstr("--kv-bits 8 or --context 192."));
    EXPECT_THAT(c.sentence, Not(HasSubstr("--chats"))) << "there is only one";
}

TEST_F(GpuPoolTest, OffersFewerChats) {
    const EngineSettings wanted = settings(256, 16, 8);
    const Complaint c = complaint(roomFor(256, settings(256, 1, 8)), wanted);
    EXPECT_EQ(c.code, "engine.memory");
    EXPECT_THAT(c.sentence, HasSubstr("It fits with --chats 1."));
}

TEST_F(GpuPoolTest, OffersTwoTogetherWhereNeitherHelpsAlone) {
    const int64_t bytes = roomFor(256, settings(256, 1, 8));
    const Complaint c = complaint(bytes, settings(256, 16));
    EXPECT_THAT(c.sentence, HasSubstr("It fits with --kv-bits 8 --chats 1"));
}

TEST_F(GpuPoolTest, OffersNothingThatDoesNotHelp) {
    for (const int64_t bytes : {int64_t{0}, int64_t{1}, roomFor(0, settings(256, 1)) - 1}) {
        const Complaint c = complaint(bytes, settings(256, 1, 8));
        EXPECT_EQ(c.code, "engine.memory");
        EXPECT_THAT(c.sentence, Not(HasSubstr("It fits with")));
        EXPECT_THAT(c.sentence,
                    HasSubstr(bytes > 1 ? "weights take at most" : "No plan is small enough"));
    }
}

TEST(GpuPool, CountsCodesAsTheKernelsReadThem) {
    for (const CodecFacts& codec : codecFacts()) {
        EXPECT_EQ(multipliesCodes(codec), kernels::stepCode(codec.id) != nullptr) << codec.id;
    }
}

} // namespace caldera
