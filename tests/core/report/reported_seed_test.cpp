#include "core/report/reported_seed.h"

#include <limits>

#include <gtest/gtest.h>

using namespace caldera;

TEST(ReportedSeed, ComesBackExactly) {
    constexpr uint64_t kExact = uint64_t{1} << 53;
    for (const uint64_t seed : {uint64_t{0}, uint64_t{7}, kExact, kExact + 1, kExact + 2048,
                                std::numeric_limits<uint64_t>::max()}) {
        std::map<std::string, double> numbers;
        addSeed(numbers, seed);
        EXPECT_EQ(seedOf(numbers), seed);
    }
}

TEST(ReportedSeed, IsASingleNumberWhereThatIsExact) {
    std::map<std::string, double> numbers;
    addSeed(numbers, 42);
    EXPECT_EQ(numbers, (std::map<std::string, double>{{"seed", 42}})) << "as in older files";
}
