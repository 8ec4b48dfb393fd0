// The program's own version.
#pragma once

#include <string_view>

namespace caldera {

std::string_view programVersion(); ///< "0.1.0"

} // namespace caldera
