#include <array>
#include <cmath>
#include <cstdio>

#include "core/allocation/allocation.h"
#include "core/allocation/wording.h"
#include "core/base/text.h"

namespace caldera {

namespace {

constexpr double kMebi = 1 << 20;

std::string ordinal(int number) {
    const bool isTeen = number % 100 / 10 == 1;
    const int last = isTeen ? 0 : number % 10;
    return std::to_string(number) + (last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

std::string fragilityText(const AllocationChange& change, int cellCount) {
    if (change.fragility == 0) {
        return "";
    }
    return "; the " + ordinal(change.fragility) + " most fragile of " + std::to_string(cellCount) +
           " cells";
}

std::string pace(double nats, double bytes) {
    return roundedText(kMebi * nats / bytes) + " a MiB";
}

std::string elsewhere(const AllocationChange& change) {
    return change.price > 0 ? roundedText(kMebi * change.price) : "nothing";
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

/// What was won or lost for what, without the end of the sentence.
std::string exchangeText(const AllocationChange& change) {
    const double bytes = std::abs(change.cost);
    const double nats = std::abs(change.loss);
    const std::string size = sizeText(bytes);
    const std::string divergence = roundedText(nats) + " nats";
    if (change.cost > 0 && change.loss < 0) {
        return size + " more take " + divergence + " away, " + pace(nats, bytes) +
               "; anywhere else a MiB would take " + elsewhere(change);
    }
    if (change.cost < 0 && change.loss > 0) {
        return size + " less cost " + divergence + ", " + pace(nats, bytes) +
               "; anywhere else a MiB takes " + elsewhere(change);
    }
    if (change.cost <= 0 && change.loss <= 0) {
        return "Other settings are better for no more: " + size + " and " + divergence + " less";
    }
    return size + " more cost " + divergence;
}

} // namespace

std::string roundedText(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3g", value);
    return text.data();
}

std::string sizeText(double bytes) {
    return byteText(static_cast<uint64_t>(std::max(bytes, 0.0)));
}

std::string changedName(const AllocationChange& change) {
    if (const Cell* cell = std::get_if<Cell>(&change.what)) {
        return cellName(*cell);
    }
    return std::get<Table>(change.what) == Table::Embeddings ? kEmbeddingTable : kHeadTable;
}

std::string reasonText(const AllocationChange& change, int cellCount) {
    return exchangeText(change) + fragilityText(change, cellCount) + "." + originText(change);
}

} // namespace caldera
