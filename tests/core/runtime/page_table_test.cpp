#include "core/runtime/page_table.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "core/runtime/backend.h"

namespace caldera {
namespace {

TEST(PageTable, TakesPagesAsASequenceGrows) {
    PageTable table(2, 4, 8);
    EXPECT_FALSE(table.grow(0, 0));
    EXPECT_TRUE(table.grow(0, 1));
    EXPECT_FALSE(table.grow(0, kPageTokens)) << "the same page";
    EXPECT_TRUE(table.grow(0, kPageTokens + 1));
    EXPECT_NE(table.row(0)[0], table.row(0)[1]);
}

TEST(PageTable, PagesThatAreGivenBackAreTakenAgain) {
    PageTable table(2, 4, 4); // the pool is one sequence's
    table.grow(0, 4 * kPageTokens);
    table.shrink(0, kPageTokens + 1); // keeps two
    EXPECT_TRUE(table.grow(1, 2 * kPageTokens));
    std::set<int32_t> pages(table.row(0), table.row(0) + 2);
    pages.insert(table.row(1), table.row(1) + 2);
    EXPECT_EQ(pages.size(), 4U);
    table.shrink(0, 0);
    table.shrink(1, 0);
    EXPECT_TRUE(table.grow(1, 4 * kPageTokens)) << "all of them";
}

TEST(PageTable, NoTwoSequencesShareAPageWhateverComes) {
    constexpr unsigned kSeed = 11;
    SCOPED_TRACE(kSeed);
    std::mt19937 random(kSeed);
    constexpr int kSlots = 5;
    constexpr int kWidth = 6;
    PageTable table(kSlots, kWidth, 16);
    std::vector<int> pages(kSlots);
    for (int round = 0; round < 5000; ++round) {
        const int slot = static_cast<int>(random() % kSlots);
        const int wanted = static_cast<int>(random() % (kWidth + 1));
        int others = 0;
        for (int other = 0; other < kSlots; ++other) {
            others += other == slot ? 0 : pages[static_cast<size_t>(other)];
        }
        if (others + wanted > 16) {
            continue; // beyond the pool: its users keep within it
        }
        const bool grows = wanted > pages[static_cast<size_t>(slot)];
        EXPECT_EQ(table.grow(slot, wanted * kPageTokens), grows);
        table.shrink(slot, wanted * kPageTokens);
        pages[static_cast<size_t>(slot)] = wanted;
        std::set<int32_t> all;
        size_t count = 0;
        for (int each = 0; each < kSlots; ++each) {
            all.insert(table.row(each), table.row(each) + pages[static_cast<size_t>(each)]);
            count += static_cast<size_t>(pages[static_cast<size_t>(each)]);
        }
        ASSERT_EQ(all.size(), count) << "round " << round;
        ASSERT_TRUE(all.empty() || (*all.begin() >= 0 && *all.rbegin() < 16));
    }
}

} // namespace
} // namespace caldera
