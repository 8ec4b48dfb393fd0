// Texts for tokenizers: whole files of UTF-8.
#pragma once

#include <filesystem>
#include <string>

namespace caldera {

/// The whole file. Throws what readTextFile() throws, and Error("text.not-utf8") with the first
/// byte that is none: replaced characters would be measured as if somebody had written them.
std::string readUtf8File(const std::filesystem::path& path);

} // namespace caldera
