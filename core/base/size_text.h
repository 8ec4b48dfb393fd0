// Sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace caldera {

/// Bytes of "21GiB", "1.5 MB" or "1000000": a number of at least 0 and B, KB ... TB (thousands),
/// KiB ... TiB (of 1024) or nothing; capitals do not matter. Rounded down; nothing for another
/// text, or more than 2^53 bytes.
std::optional<int64_t> parseBytes(std::string_view text);

} // namespace caldera
