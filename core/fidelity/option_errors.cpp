#include "core/fidelity/option_errors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "core/codec/codec.h"
#include "core/decompose/q_solver.h"
#include "core/decompose/step_metrics.h"
#include "core/job/progress.h"
#include "core/linalg/factorization.h"
#include "core/linalg/random.h"
#include "core/model/codec_facts.h"
#include "core/plan/rank_step.h"

namespace caldera {

namespace {

/// Rows that are rounded, in groups that share a scale: enough that the error of a setting is off
/// by less than 1 % of itself.
constexpr int64_t kSampleGroups = 8;

/// Numbers of the rows, [rows of the sample] int64.
torch::Tensor sampleRows(int64_t rows) {
    const int64_t groups = (rows + kRowGroup - 1) / kRowGroup;
    const int64_t taken = std::min(kSampleGroups, groups);
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < taken; ++i) {
        const int64_t first = (2 * i + 1) * groups / (2 * taken) * kRowGroup;
        for (int64_t row = first; row < std::min(first + kRowGroup, rows); ++row) {
            numbers.push_back(row);
        }
    }
    return at::tensor(numbers, at::kLong);
}

torch::Tensor gaussian(int64_t rows, int64_t columns, const std::string& use) {
    at::Generator generator = at::detail::createCPUGenerator(deriveSeed(0, use));
    return at::randn({rows, columns}, generator, at::TensorOptions(at::kFloat));
}

/// Mean square error of normal numbers in a factor's codec.
double roundingNoise(const std::string& codecId) {
    constexpr int64_t kSide = 64;
    const auto codec = makeFactorCodec(codecId);
    const double rms = codec->blocks() != nullptr ? codec->blocks()->inputRms() : 1;
    const torch::Tensor values = gaussian(kSide, kSide, codecId) * rms;
    const auto span = [](const torch::Tensor& x) {
        return std::span(x.data_ptr<float>(), static_cast<size_t>(x.numel()));
    };
    torch::Tensor decoded = at::empty_like(values);
    codec->decode(codec->packValues(span(values), {kSide, kSide}), {kSide, kSide}, span(decoded));
    return (decoded - values).square().mean(at::kDouble).item<double>() / (rms * rms);
}

double sumOfSquares(const torch::Tensor& x) {
    return x.square().sum(at::kDouble).item<double>();
}

/// One cell whose low-rank parts of every size are at hand.
class OptionMeter {
public:
    OptionMeter(const torch::Tensor& rotated, const GroupBasis& basis, const CellSettings& settings,
                int largestRank);

    double relativeError(const OptionChoice& choice, const std::stop_token& stop) const;

private:
    double energy(const torch::Tensor& x) const {
        return (at::mm(x, basis_.metric) * x).sum(at::kDouble).item<double>();
    }
    torch::Tensor roundingError(const torch::Tensor& rest, const OptionChoice& choice,
                                const std::stop_token& stop) const;

    const GroupBasis& basis_;
    const CellSettings& settings_;
    double reference_;
    double plainEnergy_;
    /// What rounding L leaves of the product, as a share of its energy; L takes up most of what
    /// rounding R leaves.
    double factorNoise_;
    int64_t size_;              ///< numbers of the whole matrix
    torch::Tensor sample_;      ///< [sample rows, columns]
    torch::Tensor left_;        ///< [sample rows, largest rank]: orthonormal over all rows
    torch::Tensor right_;       ///< [largest rank, columns]
    torch::Tensor rightEnergy_; ///< [largest rank] f64 on the CPU
};

OptionMeter::OptionMeter(const torch::Tensor& rotated, const GroupBasis& basis,
                         const CellSettings& settings, int largestRank)
    : basis_(basis), settings_(settings), reference_(energy(rotated)),
      plainEnergy_(sumOfSquares(rotated)), factorNoise_(roundingNoise(settings.leftCodecId())),
      size_(rotated.numel()) {
    const torch::Tensor rows = sampleRows(rotated.size(0)).to(rotated.device());
    sample_ = rotated.index_select(0, rows);
    if (largestRank > 0) {
        const torch::Tensor directions =
            leadingDirections(rotated, startMetric(settings, basis), largestRank,
                              deriveSeed(settings.seed, "low-rank"));
        left_ = directions.index_select(0, rows);
        right_ = at::mm(directions.t(), rotated);
        rightEnergy_ = right_.square().sum(1, false, at::kDouble).cpu();
    }
}

torch::Tensor OptionMeter::roundingError(const torch::Tensor& rest, const OptionChoice& choice,
                                         const std::stop_token& stop) const {
    const auto codec = makeCodec(codecIdOf(settings_.codec, choice.bits));
    if (codec->bitsPerWeight() == 0) {
        return rest;
    }
    const bool weighs = seesHessian(settings_, "Q");
    const torch::Tensor blind = weighs ? torch::Tensor() : identityLike(basis_.hessian);
    const QSolver solver(*codec, {rest.size(0), rest.size(1)}, weighs ? basis_.hessian : blind,
                         weighs ? basis_.cholesky : blind, stop);
    return rest - solver.dense(solver.encode(rest));
}

double OptionMeter::relativeError(const OptionChoice& choice, const std::stop_token& stop) const {
    torch::Tensor rest = sample_;
    double restEnergy = plainEnergy_;
    if (choice.rank > 0) {
        const double product = rightEnergy_.narrow(0, 0, choice.rank).sum().item<double>();
        const double noise = factorNoise_ * product;
        rest = rest - at::mm(left_.narrow(1, 0, choice.rank), right_.narrow(0, 0, choice.rank)) +
               gaussian(rest.size(0), rest.size(1), "factors").to(rest.device()) *
                   std::sqrt(noise / static_cast<double>(size_));
        restEnergy = std::max(0.0, restEnergy - product) + noise;
    }
    const double sampled = sumOfSquares(rest);
    if (sampled <= 0 || restEnergy <= 0 || reference_ <= 0) {
        return 0;
    }
    const double error = energy(roundingError(rest, choice, stop));
    return std::sqrt(std::max(0.0, error) / sampled * restEnergy / reference_);
}

} // namespace

std::vector<OptionChoice> choicesFor(std::span<const OptionChoice> grid,
                                     const CellSettings& settings, MatrixShape shape) {
    std::set<OptionChoice> choices = {{settings.bits, settings.rank}};
    const int64_t limit = std::min(shape.rows, shape.columns);
    for (const OptionChoice& choice : grid) {
        if (choice.rank <= limit && findCodecFacts(settings.codec, choice.bits) != nullptr) {
            choices.insert(choice);
        }
    }
    return {choices.begin(), choices.end()};
}

std::vector<FidelityOption> optionErrors(const torch::Tensor& rotated, const GroupBasis& basis,
                                         const CellSettings& settings,
                                         std::span<const OptionChoice> choices,
                                         const std::stop_token& stop) {
    int largestRank = 0;
    for (const OptionChoice& choice : choices) {
        largestRank = std::max(largestRank, choice.rank);
    }
    const OptionMeter meter(rotated, basis, settings, largestRank);
    std::vector<FidelityOption> options;
    for (const OptionChoice& choice : choices) {
        checkCancelled(stop);
        options.push_back({choice.bits, choice.rank, meter.relativeError(choice, stop)});
    }
    return options;
}

} // namespace caldera
