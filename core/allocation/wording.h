// Numbers in sentences; for this folder.
#pragma once

#include <string>

namespace caldera {

/// Three significant digits: "0.0312", "2.5", "1.2e-05".
std::string roundedText(double value);

} // namespace caldera
