#include "core/serve/chunked_body.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace caldera {

namespace {

constexpr size_t kLongestLine = 4096; // a length with extensions, or a trailer

/// Without its end; nothing when it breaks off, is too long or ends otherwise than in CR LF.
std::optional<std::string> readLine(httplib::Stream& stream) {
    std::string line;
    for (char letter = 0; line.size() <= kLongestLine && stream.read(&letter, 1) == 1;) {
        line += letter;
        if (letter == '\n') {
            const bool isEnded = line.ends_with("\r\n");
            return isEnded ? std::optional(line.substr(0, line.size() - 2)) : std::nullopt;
        }
    }
    return std::nullopt;
}

/// Hexadecimal digits, perhaps with extensions after a semicolon, which nobody here needs.
std::optional<uint32_t> lengthIn(std::string_view line) {
    const std::string_view digits = line.substr(0, line.find(';'));
    uint32_t length = 0;
    const char* end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, length, 16);
    return error == std::errc() && rest == end ? std::optional(length) : std::nullopt;
}

bool readChunk(httplib::Stream& stream, size_t length,
               const std::function<bool(std::string_view)>& take) {
    std::array<char, 16384> buffer{};
    while (length > 0) {
        const ssize_t count = stream.read(buffer.data(), std::min(length, buffer.size()));
        if (count <= 0 || !take({buffer.data(), static_cast<size_t>(count)})) {
            return false;
        }
        length -= static_cast<size_t>(count);
    }
    return readLine(stream) == "";
}

} // namespace

bool readChunks(httplib::Stream& stream, const std::function<bool(std::string_view)>& take) {
    for (;;) {
        const auto line = readLine(stream);
        const auto length = line ? lengthIn(*line) : std::nullopt;
        if (!length) {
            return false;
        }
        if (*length == 0) {
            break;
        }
        if (!readChunk(stream, *length, take)) {
            return false;
        }
    }
    for (;;) { // trailers, up to an empty line
        const auto line = readLine(stream);
        if (!line || line->empty()) {
            return line.has_value();
        }
    }
}

} // namespace caldera
