// A command over several lines, so that it runs when all of them are pasted.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace caldera {

/// Lines of at most `most` (at least 16) letters, each but the last ended by the shell's mark of
/// continuation: between words, or inside of a word that is longer than a line. Empty where that
/// would be inside of quotes, in which there is no such mark.
std::vector<std::string> shellLines(const std::string& command, size_t most);

} // namespace caldera
