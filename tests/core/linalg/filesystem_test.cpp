#include <cstdint>
#include <dlfcn.h>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

// PyTorch's LibTorch exports a std::filesystem of its own (docs/decisions/0004).
TEST(Filesystem, IsNotLibTorchs) {
    const auto removeAll =
        static_cast<std::uintmax_t (*)(const std::filesystem::path&)>(&std::filesystem::remove_all);
    Dl_info place{};
    ASSERT_NE(::dladdr(reinterpret_cast<void*>(removeAll), &place), 0);
    EXPECT_THAT(place.dli_fname, testing::Not(testing::HasSubstr("libtorch")));
}

} // namespace
