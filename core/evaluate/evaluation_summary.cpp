#include "core/evaluate/evaluation_summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/median.h"
#include "core/report/standard_error.h"

namespace caldera {

namespace {

/// Neighbouring tokens share their text; about a paragraph of them counts as one observation.
constexpr size_t kBlockTokens = 128;

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

} // namespace

double standardError(std::span<const double> values) {
    if (values.size() < 2) {
        return 0;
    }
    const double center = mean(values);
    double squares = 0;
    for (const double value : values) {
        squares += (value - center) * (value - center);
    }
    const auto count = static_cast<double>(values.size());
    return std::sqrt(squares / (count - 1) / count);
}

namespace {

MeanInterval exponential(const MeanInterval& logs) {
    return {std::exp(logs.mean), std::exp(logs.low), std::exp(logs.high), logs.drawn};
}

/// 95 % of the sum's error around its mean, from the standard errors of what is summed.
double errorOfMean(std::span<const double> errors) {
    const double squares = std::inner_product(errors.begin(), errors.end(), errors.begin(), 0.0);
    return kStandardErrors95 * std::sqrt(squares) / static_cast<double>(errors.size());
}

void compare(TokenScores scores, Evaluation& result) {
    const auto interval = [&](std::span<const double> values) {
        return bootstrapMean(values, result.seed, kBlockTokens);
    };
    std::vector<double> lost(scores.loss.size());
    std::transform(scores.loss.begin(), scores.loss.end(), scores.referenceLoss.begin(),
                   lost.begin(), std::minus<>());
    result.intervals["perplexity_ratio"] = exponential(interval(lost));
    result.intervals["kl_mean"] = interval(scores.divergence);
    result.intervals["top1_agreement"] = interval(scores.sameTop);
    result.intervals["top5_agreement"] = interval(scores.sharedTop);
    result.referencePerplexity = std::exp(mean(scores.referenceLoss));
    result.klMean = result.intervals["kl_mean"].mean;
    result.top1Agreement = result.intervals["top1_agreement"].mean;
    result.top5Agreement = result.intervals["top5_agreement"].mean;
    if (!scores.divergenceError.empty()) {
        result.klKeptError = errorOfMean(scores.divergenceError);
    }
    std::vector<double>& divergence = scores.divergence;
    std::sort(divergence.begin(), divergence.end());
    result.klMedian = percentile(divergence, 0.5);
    result.klP99 = percentile(divergence, 0.99);
    result.klP999 = percentile(divergence, 0.999);
    result.klMax = divergence.back();
}

} // namespace

Evaluation summarize(TokenScores scores, uint64_t seed) {
    Evaluation result;
    result.seed = seed;
    result.tokens = static_cast<int64_t>(scores.loss.size());
    result.perplexity = std::exp(mean(scores.loss));
    result.perplexityError = result.perplexity * standardError(scores.loss);
    result.intervals["perplexity"] = exponential(bootstrapMean(scores.loss, seed, kBlockTokens));
    result.hasReference = !scores.divergence.empty();
    if (result.hasReference) {
        compare(std::move(scores), result);
    }
    return result;
}

void addInterval(EvaluationRecord& record, const std::string& number, const MeanInterval& interval,
                 const char* single) {
    if (interval.isKnown()) {
        record.numbers[lowEndOf(number)] = interval.low;
        record.numbers[highEndOf(number)] = interval.high;
    } else {
        record.facts[kNoInterval] = single;
    }
}

EvaluationRecord toRecord(const std::string& name, const Evaluation& evaluation) {
    EvaluationRecord record;
    record.name = name;
    record.numbers = {{"perplexity", evaluation.perplexity},
                      {"tokens", static_cast<double>(evaluation.tokens)},
                      {"context", evaluation.contextLength},
                      {"seed", static_cast<double>(evaluation.seed)},
                      {"seconds", evaluation.seconds}};
    if (evaluation.hasReference) {
        record.numbers.insert(
            {{"reference_perplexity", evaluation.referencePerplexity},
             {"perplexity_ratio", evaluation.intervals.at("perplexity_ratio").mean},
             {"kl_mean", evaluation.klMean},
             {"kl_median", evaluation.klMedian},
             {"kl_p99", evaluation.klP99},
             {"kl_p999", evaluation.klP999},
             {"kl_max", evaluation.klMax},
             {"top1_agreement", evaluation.top1Agreement},
             {"top5_agreement", evaluation.top5Agreement}});
    }
    record.facts = {{"protocol", "windows/1"}};
    if (evaluation.tokens > 1) {
        record.numbers["perplexity_error"] = evaluation.perplexityError;
    }
    for (const auto& [number, interval] : evaluation.intervals) {
        addInterval(record, number, interval, kOneBlock);
    }
    if (evaluation.klKeptError) {
        record.numbers["kl_kept_error"] = *evaluation.klKeptError;
    }
    if (!evaluation.hiddenError.empty()) {
        record.layers["hidden_error"] = evaluation.hiddenError;
    }
    return record;
}

} // namespace caldera
