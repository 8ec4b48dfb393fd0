#include "app/cli/fidelity_options.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/base/error.h"
#include "core/model/codec_facts.h"
#include "core/plan/rank_step.h"

namespace caldera::cli {

namespace {

constexpr int kLargestRank = 65536;

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
    throw UsageError("fidelity.options",
                     "--options " + text + " " + what +
                         ". Bits and ranks were needed, as in 1.5,2,3x0,64, or none.",
                     {{"came", text}});
}

/// "2,3" to numbers; nothing when one of them is none.
template <class Number>
std::optional<std::vector<Number>> parseList(std::string_view text) {
    std::vector<Number> numbers;
    while (true) {
        const std::string_view word = text.substr(0, text.find(','));
        Number number{};
        const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (problem != std::errc() || end != word.data() + word.size()) {
            return std::nullopt;
        }
        numbers.push_back(number);
        if (word.size() == text.size()) {
            return numbers;
        }
        text.remove_prefix(word.size() + 1);
    }
}

bool hasCodec(double bits) {
    return std::any_of(codecFacts().begin(), codecFacts().end(),
                       [&](const CodecFacts& facts) { return facts.bits == bits; });
}

} // namespace

const std::vector<std::string>& metricNames() {
    static const std::vector<std::string> names = {"proxy", "kl", "sipit", "lens"};
    return names;
}

std::set<Metric> parseMetrics(const std::vector<std::string>& names) {
    std::set<Metric> metrics;
    for (const std::string& name : names) {
        const auto place = std::find(metricNames().begin(), metricNames().end(), name);
        metrics.insert(static_cast<Metric>(place - metricNames().begin()));
    }
    return metrics;
}

std::vector<OptionChoice> parseOptions(const std::string& text) {
    if (text == "none") {
        return {};
    }
    const size_t cross = text.find('x');
    if (cross == std::string::npos) {
        refuse(text, "has no x");
    }
    const auto bits = parseList<double>(std::string_view(text).substr(0, cross));
    const auto ranks = parseList<int>(std::string_view(text).substr(cross + 1));
    if (!bits || !ranks) {
        refuse(text, "holds something that is no number");
    }
    std::vector<OptionChoice> options;
    for (const double each : *bits) {
        if (!hasCodec(each)) {
            refuse(text, "names bits that no codec has");
        }
        for (const int rank : *ranks) {
            if (rank < 0 || rank > kLargestRank || rank % kRankStep != 0) {
                refuse(text, "names a rank that is no multiple of " + std::to_string(kRankStep) +
                                 " up to " + std::to_string(kLargestRank));
            }
            options.push_back({each, rank});
        }
    }
    return options;
}

} // namespace caldera::cli
