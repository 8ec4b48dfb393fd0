#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

namespace caldera {

namespace {

size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

std::string format(const char* pattern, double value) {
    std::array<char, 64> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), pattern, value);
    std::string text(buffer.data(), static_cast<size_t>(length));
    std::replace(text.begin(), text.end(), ',', '.');
    return text;
}

/// Three figures in the largest unit that leaves a whole number before the point.
std::string unitText(uint64_t bytes, double step, const std::array<const char*, 4>& units) {
    if (static_cast<double>(bytes) < step) {
        return std::to_string(bytes) + " bytes";
    }
    double value = static_cast<double>(bytes) / step;
    size_t unit = 0;
    while (value >= step - 0.5 && unit + 1 < units.size()) {
        value /= step;
        ++unit;
    }
    return format(value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value) + units[unit];
}

} // namespace

std::string nearestWord(std::string_view word, std::span<const std::string> known) {
    constexpr size_t kLongest = 256; // nobody mistypes more, and the time grows with it
    std::string best;
    if (word.size() > kLongest) {
        return best;
    }
    size_t bestDistance = std::max<size_t>(3, word.size() / 2);
    for (const std::string& candidate : known) {
        const size_t distance = editDistance(word, candidate);
        if (distance < bestDistance) {
            bestDistance = distance;
            best = candidate;
        }
    }
    return best;
}

std::string numberText(double value) {
    std::array<char, 32> buffer{};
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), result.ptr};
}

std::string byteText(uint64_t bytes) {
    return unitText(bytes, 1000, {" kB", " MB", " GB", " TB"});
}

std::string memoryText(uint64_t bytes) {
    return unitText(bytes, 1024, {" KiB", " MiB", " GiB", " TiB"});
}

std::string durationText(double seconds) {
    if (seconds < 60) {
        return format("%.1f s", seconds);
    }
    const auto whole = static_cast<int64_t>(std::llround(seconds));
    if (whole < 3600) {
        return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
    }
    const int64_t minutes = whole / 60;
    const std::string rest = std::to_string(minutes % 60);
    return std::to_string(minutes / 60) + " h " + (rest.size() < 2 ? "0" + rest : rest) + " min";
}

} // namespace caldera
