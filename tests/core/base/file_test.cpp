#include "core/base/file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/write_failure.h"
#include "tests/support/complaint.h"

using namespace caldera;

namespace {

std::filesystem::path freshFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    auto folder =
        std::filesystem::path(testing::TempDir()) / (std::string("caldera-") + test->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

} // namespace

TEST(File, AnAbandonedAtomicWriteLeavesNothing) {
    const auto folder = freshFolder();
    {
        AtomicFile file(folder / "a");
        file.write("half");
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(File, ACommittedWriteIsWholeAndReplacesTheOld) {
    const auto folder = freshFolder();
    writeFileAtomically(folder / "a", "old");
    writeFileAtomically(folder / "a", "new text");
    EXPECT_EQ(readTextFile(folder / "a"), "new text");
    EXPECT_THROW(readTextFile(folder / "a", 3), Error);
}

TEST(File, AMissingFileIsNamed) {
    try {
        const MappedFile file("/nowhere/at/all");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "file.open");
        EXPECT_NE(std::string(error.what()).find("/nowhere/at/all"), std::string::npos);
    }
}

TEST(File, WhatIsNoRegularFileIsRefusedAtOnce) {
    const auto folder = freshFolder();
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0); // nobody will ever write to it
    for (const auto& [path, reason] :
         {std::pair(folder / "pipe", "no regular file"),
          std::pair(std::filesystem::path("/dev/null"), "no regular file"),
          std::pair(folder, "a folder")}) {
        try {
            const MappedFile file(path);
            FAIL() << path;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), "file.open");
            EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
        }
    }
}

TEST(File, ADeviceIsNeverReplacedByAFile) {
    const auto folder = freshFolder();
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    for (const auto& path : {folder / "pipe", folder}) {
        try {
            AtomicFile file(path);
            FAIL() << path;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), "file.write");
        }
    }
    EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST(File, TheNameOfAnOpenPipeOrOfADeletedFileIsRefused) {
    const auto folder = freshFolder();
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const int deleted = ::open((folder / "deleted").c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_GE(deleted, 0);
    std::filesystem::remove(folder / "deleted");
    for (const int descriptor : {pipe[1], deleted}) { // as /dev/stdout leads to one
        const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
        const Complaint complaint = complaintOf([&] { const AtomicFile file(path); });
        EXPECT_EQ(complaint.code, "file.write");
        EXPECT_EQ(complaint.sentence,
                  "Cannot write " + path + ": it is no regular file; a file is needed.");
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    for (const int descriptor : {pipe[0], pipe[1], deleted}) {
        ::close(descriptor);
    }
}

TEST(File, TheNameOfAnOpenFileLeadsToIt) {
    const auto folder = freshFolder();
    const int open = ::open((folder / "out.txt").c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_GE(open, 0);
    writeFileAtomically("/proc/self/fd/" + std::to_string(open), "whole");
    ::close(open);
    EXPECT_EQ(readTextFile(folder / "out.txt"), "whole");
}

TEST(File, AnUnwritablePlaceIsAnError) {
    try {
        AtomicFile file("/dev/full/nothing");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "file.write"); // not a folder
    }
}

TEST(File, ALinkStaysAndItsFileIsReplaced) {
    const auto folder = freshFolder();
    std::filesystem::create_directory(folder / "elsewhere");
    writeFileAtomically(folder / "elsewhere/text", "old");
    std::filesystem::create_symlink("elsewhere/text", folder / "near");
    std::filesystem::create_symlink(folder / "near", folder / "far");
    writeFileAtomically(folder / "far", "new");
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "far"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "near"));
    EXPECT_EQ(readTextFile(folder / "elsewhere/text"), "new");
    std::filesystem::remove(folder / "elsewhere/text");
    writeFileAtomically(folder / "far", "made");
    EXPECT_EQ(readTextFile(folder / "elsewhere/text"), "made") << "what a link promises is made";
}

TEST(File, ALoopOfLinksIsAnError) {
    const auto folder = freshFolder();
    std::filesystem::create_symlink("b", folder / "a");
    std::filesystem::create_symlink("a", folder / "b");
    try {
        writeFileAtomically(folder / "a", "x");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "file.write");
        EXPECT_NE(std::string(error.what()).find("symbolic links"), std::string::npos);
    }
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "a"));
}

TEST(File, ARenamedFolderIsThereUnderItsNewNameOnly) {
    const auto folder = freshFolder();
    std::filesystem::create_directories(folder / "a");
    writeFileAtomically(folder / "a/text", "x");
    renameDurably(folder / "a", folder / "b");
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
    EXPECT_EQ(readTextFile(folder / "b/text"), "x");
    EXPECT_THROW(renameDurably(folder / "nothing", folder / "c"), Error);
}

TEST(Hash, MatchesThePublishedVectors) {
    EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(Sha256().update("a").update("bc").hex(), sha256Hex("abc"));
}

TEST(File, AFullDiskIsToldWithWhatIsFreeThere) {
    const auto folder = freshFolder();
    try {
        throwWriteFailure(folder / "a", ENOSPC);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "file.disk-full");
        const std::string sentence = error.what();
        EXPECT_NE(sentence.find("No space left on device. On that disk "), std::string::npos)
            << sentence;
        EXPECT_NE(sentence.find(" are free."), std::string::npos) << sentence;
    }
}
