// What the tests of this folder share: golden paths, fresh folders, the code of a thrown error.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace caldera::test {

inline std::filesystem::path golden(const std::string& name) {
    return std::filesystem::path(CALDERA_SOURCE_DIR) / "tests" / "golden" / name;
}

/// An empty folder of the running test.
inline std::filesystem::path freshFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    auto folder = std::filesystem::path(testing::TempDir()) /
                  (std::string("caldera-") + test->test_suite_name() + "-" + test->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

/// Code of the Error that `action` throws; "" when it throws none.
template <typename Action>
std::string codeOf(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_GT(std::string(error.what()).size(), 10U) << "a sentence is needed";
        return error.code();
    }
    return "";
}

template <typename T>
std::span<const std::byte> bytesOf(const std::vector<T>& values) {
    return std::as_bytes(std::span(values));
}

} // namespace caldera::test
