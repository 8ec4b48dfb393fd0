#include "core/forward/hidden_store.h"

#include <filesystem>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/code_of.h"
#include "tests/support/full_disk.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;

TEST(HiddenStore, AFullDiskLeavesTheStatesBeforeAndNoHalfFile) {
    const test::ScratchFolder folder;
    const HiddenStore store(folder.path(), "key");
    store.save(1, at::ones({1, 4, 8}, at::kFloat));
    {
        const test::FullDisk full(1024);
        EXPECT_EQ(test::codeOf([&] {
                      store.save(2, at::ones({4, 64, 64}, at::kFloat));
                  }),
                  "file.write");
    }
    EXPECT_FALSE(fs::exists(folder.path() / "layer-2.f32"));
    EXPECT_FALSE(fs::exists(folder.path() / "layer-2.json"));
    const auto kept = store.load(2);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->layer, 1);
    store.save(2, at::ones({4, 64, 64}, at::kFloat));
    EXPECT_EQ(store.load(2)->layer, 2) << "once there is room";
}

} // namespace
} // namespace caldera
