// An empty folder that is gone when the test is over.
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "core/job/job_folder.h"

namespace caldera::test {

class ScratchFolder {
public:
    ScratchFolder() { std::filesystem::create_directories(path_); }
    ~ScratchFolder() {
        std::error_code ignored; // what is left lies among temporary files
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) / newJobId();
};

} // namespace caldera::test
