#include "core/base/format_version.h"

#include <charconv>

namespace caldera {

FormatFit formatFit(std::string_view text, std::string_view name, int major) {
    if (!text.starts_with(name) || text.size() < name.size() + 2 || text[name.size()] != '/') {
        return FormatFit::Foreign;
    }
    const std::string_view digits = text.substr(name.size() + 1);
    int found = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), found);
    const bool tooLarge = parsed.ec == std::errc::result_out_of_range;
    if (parsed.ptr != digits.data() + digits.size() || (found < 1 && !tooLarge)) {
        return FormatFit::Foreign;
    }
    return tooLarge || found > major ? FormatFit::Newer : FormatFit::Readable;
}

std::string formatText(std::string_view name, int major) {
    return std::string(name) + "/" + std::to_string(major);
}

} // namespace caldera
