#include "core/calibration/calibration.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/version.h>

#include "core/base/error.h"
#include "core/base/paths.h"
#include "core/model/text_file.h"

namespace caldera {

namespace {

/// Uniform in [0, count), the same on every standard library.
uint64_t pick(std::mt19937_64& random, uint64_t count) {
    return random() % count;
}

/// First tokens of `count` windows of `length`, none overlapping, in random order.
std::vector<int64_t> windowStarts(int64_t available, int64_t length, int64_t count, uint64_t seed) {
    std::mt19937_64 random(seed);
    const int64_t windows = available / length;
    const auto offset =
        static_cast<int64_t>(pick(random, static_cast<uint64_t>(available - windows * length + 1)));
    std::vector<int64_t> starts(static_cast<size_t>(windows));
    for (size_t i = 0; i < starts.size(); ++i) {
        starts[i] = offset + static_cast<int64_t>(i) * length;
    }
    for (size_t i = starts.size(); i > 1; --i) {
        std::swap(starts[i - 1], starts[pick(random, i)]);
    }
    starts.resize(static_cast<size_t>(std::min(count, windows)));
    return starts;
}

/// On a GPU weights and biases in bf16, the type of its fast products; elsewhere as they are.
BlockWeights forCalibration(BlockWeights weights) {
    if (!weights.inputNorm.is_cuda()) {
        return weights;
    }
    for (size_t i = 0; i < weights.weight.size(); ++i) {
        weights.weight[i] = weights.weight[i].to(at::kBFloat16);
        if (weights.bias[i].defined()) {
            weights.bias[i] = weights.bias[i].to(at::kBFloat16);
        }
    }
    return weights;
}

/// hessian += x^T x, accumulated in f32 whatever the type of x [tokens, size] is.
void addProduct(torch::Tensor& hessian, const torch::Tensor& x) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 8)
    if (x.scalar_type() == at::kBFloat16) {
        hessian.add_(at::mm(x.t(), x, at::kFloat));
        return;
    }
#endif
    const torch::Tensor wide = x.to(at::kFloat);
    hessian.addmm_(wide.t(), wide);
}

} // namespace

CalibrationSettings fitCalibration(CalibrationSettings settings, const ModelConfig& config) {
    if (config.maxPositions > 0) {
        settings.sequenceLength = std::min(settings.sequenceLength, config.maxPositions);
    }
    return settings;
}

std::string calibrationText(const CalibrationSettings& settings) {
    const std::filesystem::path path = settings.text == "builtin"
                                           ? resourcesFolder() / "calibration" / "builtin.txt"
                                           : std::filesystem::path(settings.text);
    try {
        return readUtf8File(path);
    } catch (const Error& error) {
        throw Error("calibration.text",
                    "The calibration text cannot be read: " + std::string(error.what()) +
                        " Name a UTF-8 text file, or \"builtin\".",
                    {{"file", path.string()}});
    }
}

torch::Tensor calibrationTokens(const Tokenizer& tokenizer, const std::string& text,
                                const CalibrationSettings& settings, Progress& progress) {
    const std::vector<Token> tokens = tokenizer.encode(text);
    const auto available = static_cast<int64_t>(tokens.size());
    if (available < 2) {
        throw Error("calibration.too-short",
                    "The calibration text \"" + settings.text + "\" holds " +
                        std::to_string(available) +
                        " tokens; at least 2 were needed, and thousands are useful. Choose a "
                        "longer text.",
                    {{"text", settings.text}, {"tokens", std::to_string(available)}});
    }
    const int64_t wanted = std::max<int64_t>(2, settings.tokens);
    const int64_t wantedLength = std::min(std::max<int64_t>(2, settings.sequenceLength), wanted);
    const int64_t length = std::min(wantedLength, available);
    const std::vector<int64_t> starts =
        windowStarts(available, length, wanted / length, settings.seed);
    torch::Tensor sequences = at::empty({static_cast<int64_t>(starts.size()), length}, at::kLong);
    int64_t* out = sequences.data_ptr<int64_t>();
    for (const int64_t start : starts) {
        out = std::copy_n(tokens.begin() + start, length, out);
    }
    if (sequences.numel() < wanted / wantedLength * wantedLength) {
        progress.log("The calibration text gives " + std::to_string(sequences.numel()) +
                     " of the " + std::to_string(settings.tokens) +
                     " tokens that the plan asks for.");
    }
    return sequences;
}

BlockHessians calibrateBlock(const ModelConfig& config, const BlockWeights& weights,
                             torch::Tensor& hidden, const std::stop_token& stop) {
    BlockHessians result;
    result.tokens = hidden.size(0) * hidden.size(1);
    for (const InputGroup group : kInputGroups) {
        const int64_t size = config.inputSize(group);
        result.hessian[static_cast<size_t>(group)] =
            at::zeros({size, size}, weights.inputNorm.options());
    }
    applyBlock(config, forCalibration(weights), hidden,
               [&](InputGroup group, const torch::Tensor& x) {
                   checkCancelled(stop);
                   addProduct(result.hessian[static_cast<size_t>(group)], x);
               });
    for (torch::Tensor& hessian : result.hessian) {
        hessian.div_(static_cast<double>(result.tokens));
    }
    return result;
}

void propagateBlock(const ModelConfig& config, const BlockWeights& weights, torch::Tensor& hidden,
                    const std::stop_token& stop) {
    applyBlock(config, forCalibration(weights), hidden,
               [&](InputGroup, const torch::Tensor&) { checkCancelled(stop); });
}

} // namespace caldera
