// Shell patterns over cell names: * ? [abc] [a-z] [!abc]. A star crosses dots.
#pragma once

#include <string_view>

namespace caldera {

/// Whether the whole text matches. Time is at most pattern x text, whatever the pattern. A bracket
/// that never closes stands for itself.
bool matchesGlob(std::string_view pattern, std::string_view text);

} // namespace caldera
