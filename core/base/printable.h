// Foreign text inside messages: names in damaged files may be megabytes of anything.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caldera {

/// `text` on one line that steers no terminal: control characters become spaces, and of more than
/// `most` bytes (at least 16) the middle is left out, between whole UTF-8 characters.
std::string printable(std::string_view text, size_t most);

} // namespace caldera
