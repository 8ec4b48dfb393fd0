#include "core/base/size_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

namespace caldera {

namespace {

constexpr double kMostBytes = 9007199254740992; // 2^53: every whole number is exact

struct Unit {
    std::string_view name;
    double bytes;
};

constexpr std::array<Unit, 10> kUnits = {{{"", 1},
                                          {"b", 1},
                                          {"kb", 1e3},
                                          {"mb", 1e6},
                                          {"gb", 1e9},
                                          {"tb", 1e12},
                                          {"kib", 1024.0},
                                          {"mib", 1024.0 * 1024},
                                          {"gib", 1024.0 * 1024 * 1024},
                                          {"tib", 1024.0 * 1024 * 1024 * 1024}}};

} // namespace

std::optional<int64_t> parseBytes(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::string unit(rest);
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    const auto* found = std::find_if(kUnits.begin(), kUnits.end(),
                                     [&](const Unit& each) { return each.name == unit; });
    const double bytes = found == kUnits.end() ? -1 : std::floor(number * found->bytes);
    if (error != std::errc() || !(bytes >= 0) || bytes > kMostBytes) {
        return std::nullopt;
    }
    return static_cast<int64_t>(bytes);
}

} // namespace caldera
