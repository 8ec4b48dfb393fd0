#include "core/preflight/preflight.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

MachineRoom room(int64_t memory, int64_t gpu = 0) {
    MachineRoom room;
    room.freeMemoryBytes = memory;
    if (gpu > 0) {
        room.gpu = GpuRoom{"NVIDIA GeForce RTX 3090", 24 * kGiB, gpu};
    }
    return room;
}

std::string codeOf(const Preflight& checked) {
    try {
        requireFit(checked);
        return "";
    } catch (const Error& error) {
        return error.code();
    }
}

TEST(Preflight, SaysWhatIsMissingAndWhatWouldFit) {
    const JobNeeds needs{{20 * kGiB, 0}, {}, {60, 0}};
    const Preflight checked = preflight(needs, room(8 * kGiB),
                                        {{"--calibration-tokens 65536", {12 * kGiB, 0}},
                                         {"--calibration-tokens 32768", {7 * kGiB, 0}}});
    EXPECT_FALSE(checked.fits());
    EXPECT_EQ(checked.problem(),
              "This needs about 20.0 GiB of memory, and 8.00 GiB are free. It would fit with "
              "--calibration-tokens 32768.");
    EXPECT_EQ(codeOf(checked), "preflight.memory");
    EXPECT_EQ(codeOf(preflight(needs, room(20 * kGiB))), "");
}

TEST(Preflight, AGpuThatIsNotThereDoesNotFit) {
    const JobNeeds needs{{kGiB, 18 * kGiB}, {}, {}};
    EXPECT_EQ(codeOf(preflight(needs, room(8 * kGiB))), "preflight.gpu-memory");
    EXPECT_EQ(codeOf(preflight(needs, room(8 * kGiB, 17 * kGiB))), "preflight.gpu-memory");
    EXPECT_EQ(codeOf(preflight(needs, room(8 * kGiB, 18 * kGiB))), "");
}

TEST(Preflight, PlacesOnOneDiskCountTogether) {
    const test::ScratchFolder folder;
    const auto free = static_cast<int64_t>(freeDiskBytes(folder.path()));
    const int64_t most = free / 10 * 6;
    const JobNeeds one{{1, 0}, {{folder / "out", most}}, {}};
    EXPECT_TRUE(preflight(one, room(kGiB)).fits());
    const JobNeeds both{{1, 0}, {{folder / "out", most}, {folder / "work", most}}, {}};
    EXPECT_EQ(codeOf(preflight(both, room(kGiB))), "preflight.disk");
    EXPECT_EQ(preflight(both, room(kGiB)).items.size(), 2U);
}

TEST(Preflight, AnAnswerIsReadBackAsItWas) {
    const JobNeeds needs{{20 * kGiB, 18 * kGiB}, {{"/tmp", 5}}, {61.5, 3}};
    const Preflight checked = preflight(needs, room(8 * kGiB, kGiB), {{"less", {1, 1}}});
    const Preflight again = preflightFromJson(checked.json().dump());
    EXPECT_EQ(again.json(), checked.json());
    EXPECT_THROW(preflightFromJson("caldera: command not found"), Error);
    EXPECT_THROW(preflightFromJson(R"({"format": "caldera-preflight/9"})"), Error);
    const std::string deep(1'000'000, '[');
    EXPECT_THROW(preflightFromJson("{\"format\": " + deep + std::string(deep.size(), ']') + "}"),
                 Error);
    EXPECT_THROW(preflightFromJson(R"({"format": "caldera-preflight/1", "items": 3})"), Error);
}

TEST(Preflight, SaysHowTheTimeIsKnown) {
    EXPECT_EQ(timeText({-1, 0}), "until it is stopped");
    EXPECT_EQ(timeText({61, 0}), "about 1 min 1 s, a first guess by the documented rates, which "
                                 "may be off by a factor");
    EXPECT_EQ(timeText({61, 3}), "about 1 min 1 s, as measured in 3 earlier runs here");
}

} // namespace
} // namespace caldera
