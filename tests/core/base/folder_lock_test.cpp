#include "core/base/folder_lock.h"

#include <fstream>
#include <memory>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/scratch_folder.h"

using namespace caldera;

namespace {

namespace fs = std::filesystem;

class FolderLockTest : public testing::Test {
protected:
    static std::string codeOfLocking(const fs::path& folder) {
        try {
            const FolderLock lock(folder);
        } catch (const Error& error) {
            return error.code();
        }
        return "";
    }
    test::ScratchFolder root_;
};

TEST_F(FolderLockTest, HoldsAFolderUntilItsEnd) {
    auto lock = std::make_unique<FolderLock>(root_ / "a");
    EXPECT_EQ(codeOfLocking(root_ / "a"), "file.busy");
    EXPECT_EQ(codeOfLocking(root_ / "b"), "");
    lock.reset();
    EXPECT_EQ(codeOfLocking(root_ / "a"), "");
}

TEST_F(FolderLockTest, LeavesNoEmptyFolderOfItsOwn) {
    { const FolderLock lock(root_ / "a"); }
    EXPECT_FALSE(fs::exists(root_ / "a"));
    fs::create_directories(root_ / "theirs");
    { const FolderLock lock(root_ / "theirs"); }
    EXPECT_TRUE(fs::exists(root_ / "theirs"));
    {
        const FolderLock lock(root_ / "full");
        std::ofstream(root_ / "full" / "file") << "work";
    }
    EXPECT_TRUE(fs::exists(root_ / "full" / "file"));
}

TEST_F(FolderLockTest, SaysWhyAFolderCannotBeUsed) {
    std::ofstream(root_ / "file") << "no folder";
    EXPECT_EQ(codeOfLocking(root_ / "file"), "file.folder");
    EXPECT_EQ(codeOfLocking(root_ / "file" / "below"), "file.folder");
}

} // namespace
