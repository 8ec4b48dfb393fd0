#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/allocation/allocation.h"
#include "core/allocation/wording.h"
#include "core/base/text.h"

namespace caldera {

namespace {

std::string ordinal(int number) {
    const bool isTeen = number % 100 / 10 == 1;
    const int last = isTeen ? 0 : number % 10;
    return std::to_string(number) + (last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

std::string fragilityText(const AllocationChange& change, int cellCount) {
    if (change.fragility == 0) {
        return "";
    }
    return " It is the " + ordinal(change.fragility) + " most fragile of " +
           std::to_string(cellCount) + ".";
}

/// ", 2.1 times what that buys elsewhere": how the exchange stands to the best one elsewhere.
std::string compared(const AllocationChange& change, const std::string& what) {
    if (!(change.price > 0)) {
        return "";
    }
    const double ratio = std::abs(change.loss / change.cost) / change.price;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), ratio < 10 ? "%.2g" : "%.0f", ratio);
    return std::string(", ") + text.data() + " times what " + what + " elsewhere";
}

std::string originText(const AllocationChange& change) {
    switch (change.error) {
    case ErrorOrigin::Interpolated:
        return " Its error is interpolated.";
    case ErrorOrigin::Extrapolated:
        return " Its error is extrapolated.";
    default:
        return "";
    }
}

/// Three figures in the largest unit that leaves a whole number before the point. One byte more,
/// since reading them rounds down.
uint64_t roundedUp(uint64_t bytes, double step) {
    const auto value = static_cast<double>(bytes);
    double unit = 1;
    while (value / unit >= step - 0.5) {
        unit *= step;
    }
    const double place = value / unit > 99 ? unit : value / unit > 9.9 ? unit / 10 : unit / 100;
    return std::max(bytes,
                    static_cast<uint64_t>(std::ceil(std::ceil((value + 1) / place) * place)));
}

/// What was won or lost for what.
std::string exchangeText(const AllocationChange& change, const SizeWords& sizeWords) {
    const std::string size = sizeWords(static_cast<uint64_t>(std::abs(change.cost)));
    const std::string nats = roundedText(std::abs(change.loss)) + " nats";
    if (change.cost > 0 && change.loss < 0) {
        return size + " more for " + nats + " less" + compared(change, "that buys") + ".";
    }
    if (change.cost < 0 && change.loss > 0) {
        return size + " less for " + nats + " more" + compared(change, "that costs") + ".";
    }
    if (change.cost <= 0 && change.loss <= 0) {
        return "Better for no more: " + size + " and " + nats + " less.";
    }
    return size + " more for " + nats + " more.";
}

} // namespace

std::string roundedText(double value, Rounding rounding) {
    constexpr double kSums = 1e-9; // share by which sums of the same terms may differ
    std::array<char, 32> text{};
    if (rounding != Rounding::Nearest && value > 0) {
        const double place = std::pow(10, std::floor(std::log10(value)) - 2);
        value = rounding == Rounding::Up ? std::ceil(value * (1 + kSums) / place) * place
                                         : std::floor(value * (1 - kSums) / place) * place;
    }
    std::snprintf(text.data(), text.size(), "%.3g", value);
    return text.data();
}

uint64_t roundedUpInThousands(uint64_t bytes) {
    return roundedUp(bytes, 1000);
}

uint64_t roundedUpInPowersOf1024(uint64_t bytes) {
    return roundedUp(bytes, 1024);
}

std::string changedName(const AllocationChange& change) {
    if (const Cell* cell = std::get_if<Cell>(&change.what)) {
        return cellName(*cell);
    }
    return std::get<Table>(change.what) == Table::Embeddings ? kEmbeddingTable : kHeadTable;
}

std::string reasonText(const AllocationChange& change, int cellCount, const SizeWords& sizeWords) {
    return exchangeText(change, sizeWords) + fragilityText(change, cellCount) + originText(change);
}

} // namespace caldera
