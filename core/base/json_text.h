// JSON of foreign files: bounded depth, and complaints that name the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace caldera {

enum class DuplicateKeys { Keep, RefuseAtTop };

/// Throws Error(code) naming `where` when the text is no JSON (bad UTF-8 included), is nested
/// deeper than any file of ours, or repeats a key of the outermost object.
nlohmann::json parseJson(std::string_view text, const std::string& where, const std::string& code,
                         DuplicateKeys duplicates = DuplicateKeys::Keep);

/// Whether objects and lists lie in each other deeper than any file of ours. Deeper values must not
/// be copied or printed, which is done by recursion. True or false for a text that is no JSON.
bool nestsTooDeep(std::string_view json);

/// parseJson of a whole file.
nlohmann::json readJsonFile(const std::filesystem::path& path, const std::string& code);

} // namespace caldera
