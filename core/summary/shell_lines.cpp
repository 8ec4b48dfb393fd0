#include "core/summary/shell_lines.h"

#include <algorithm>
#include <optional>

namespace caldera {

namespace {

/// Where the line that begins at `begin` ends best: after a space outside of quotes, else inside of
/// a word that has none.
std::optional<size_t> endOfLine(const std::string& command, size_t begin, size_t letters) {
    bool isQuoted = false;
    size_t afterSpace = begin;
    size_t inWord = begin;
    for (size_t at = begin; at < begin + letters; ++at) {
        const char letter = command[at];
        isQuoted = letter == '\'' ? !isQuoted : isQuoted;
        const bool isWithin = (static_cast<unsigned char>(command[at + 1]) & 0xC0U) == 0x80U;
        if (!isQuoted && letter == ' ') {
            afterSpace = at + 1;
        } else if (!isQuoted && letter != '\\' && !isWithin) {
            inWord = at + 1;
        }
    }
    const size_t end = afterSpace > begin ? afterSpace : inWord;
    return end > begin ? std::optional(end) : std::nullopt;
}

} // namespace

std::vector<std::string> shellLines(const std::string& command, size_t most) {
    std::vector<std::string> lines;
    size_t begin = 0;
    while (command.size() - begin > most) {
        const std::optional<size_t> end = endOfLine(command, begin, most - 1);
        if (!end) {
            return {};
        }
        lines.push_back(command.substr(begin, *end - begin) + "\\");
        begin = *end;
    }
    lines.push_back(command.substr(begin));
    return lines;
}

} // namespace caldera
