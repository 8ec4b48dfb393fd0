// A file to which another process writes, or which it cuts off, while it is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace caldera {

/// Its bytes from `offset` on, at most `most`; fewer where it was cut off meanwhile, which a memory
/// map would answer with SIGBUS. Throws Error("file.open").
std::string readFrom(const std::filesystem::path& file, int64_t offset, size_t most);

} // namespace caldera
