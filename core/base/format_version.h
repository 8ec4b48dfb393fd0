// "caldera-plan/1": how every file of ours begins, and which of them this program can read.
#pragma once

#include <string>
#include <string_view>

namespace caldera {

/// What a text says about the file that begins with it.
enum class FormatFit {
    Readable,
    Newer,  ///< ours, of a later major version
    Foreign ///< not ours
};

/// `name` and `major` are the format that this program writes.
FormatFit formatFit(std::string_view text, std::string_view name, int major);

/// "caldera-plan/1"
std::string formatText(std::string_view name, int major);

} // namespace caldera
