// Texts for tokenizers: whole files of UTF-8.
#pragma once

#include <filesystem>
#include <string>

namespace caldera {

/// Throws Error("text.not-utf8") with the first byte that is none; `file` is where the text is
/// from.
void requireUtf8(const std::string& text, const std::filesystem::path& file);

/// The whole file. Throws what readTextFile() throws, and what
/// requireUtf8() throws: replaced characters would be measured as if somebody had written them.
std::string readUtf8File(const std::filesystem::path& path);

} // namespace caldera
