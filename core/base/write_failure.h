// What is said when a file cannot be written.
#pragma once

#include <filesystem>
#include <string>

namespace caldera {

/// What the system says of an `errno`.
std::string systemReason(int error);

/// Throws Error("file.disk-full") for a disk or quota without room, Error("file.write") for any
/// other `errno`.
[[noreturn]] void throwWriteFailure(const std::filesystem::path& path, int error);

} // namespace caldera
