// Letters of a text, for page descriptions that count or recode them.
#pragma once

#include <string>
#include <string_view>

namespace caldera {

/// Code points of UTF-8; what is no UTF-8 becomes U+FFFD.
std::u32string lettersOf(std::string_view text);

} // namespace caldera
