// How close fidelity comes to what compression really does, cell by cell (docs/experiments/
// fidelity.md): `fidelity_truth options MODEL STEP` compares errors by bits and rank with those of
// decompose, `fidelity_truth noise MODEL STEP` the divergence that noise gives with that of the
// decomposed cell. Every STEP-th layer, the first of them in the middle of its step.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/calibration/calibration.h"
#include "core/decompose/cell_basis.h"
#include "core/decompose/decompose.h"
#include "core/fidelity/compression_noise.h"
#include "core/fidelity/held_out.h"
#include "core/fidelity/kl_metric.h"
#include "core/fidelity/option_errors.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"
#include "core/plan/group_settings.h"
#include "core/report/rank_correlation.h"

using namespace caldera;

namespace {

constexpr int64_t kCalibrationTokens = 8192;
constexpr int64_t kHeldOutTokens = 1024;

/// Geometric mean and spread of ratios, as factors.
struct Ratios {
    std::vector<double> logs;
    void add(double ratio) { logs.push_back(std::log(ratio)); }
    void print(const std::string& name) const {
        double sum = 0;
        double squares = 0;
        for (const double value : logs) {
            sum += value;
            squares += value * value;
        }
        const auto count = static_cast<double>(logs.size());
        const double mean = sum / count;
        std::printf("%-24s %4zu cells  factor %.3f  spread %.3f\n", name.c_str(), logs.size(),
                    std::exp(mean),
                    std::exp(std::sqrt(std::max(0.0, squares / count - mean * mean))));
    }
};

/// Two numbers of each cell, whose order is compared.
struct Pairs {
    std::vector<double> told, truth;
    void print(const std::string& name) const {
        std::printf("%-24s rank correlation %.4f\n", name.c_str(),
                    spearman(told, truth).value_or(0));
    }
};

/// A cell with all that compression would know of it.
struct CellCase {
    Cell cell;
    CellSettings settings;
    uint64_t seed;
    const torch::Tensor& weight;
    const GroupBasis& basis;
    const CellBasis& cellBasis;

    CompressedCell decomposed(const CellSettings& with) const {
        return decompose({cell, weight, with, seed, {}}, basis);
    }
};

/// Passes the calibration text through the model and visits the cells of some layers.
class Visit {
public:
    Visit(std::shared_ptr<const Model> model, int step)
        : model_(std::move(model)), config_(model_->config), step_(step),
          plan_(defaultPlan("model", config_)) {
        plan_.calibration.tokens = kCalibrationTokens;
    }

    void each(const std::function<void(const CellCase&)>& visit) const {
        const auto weights = modelWeights(model_);
        const CalibrationSettings settings = fitCalibration(plan_.calibration, config_);
        torch::Tensor hidden = weights->embed(
            calibrationTokens(*model_->tokenizer, calibrationText(settings), settings));
        for (int layer = 0; layer < config_.layerCount; ++layer) {
            const BlockWeights block = weights->block(layer);
            BlockHessians hessians = calibrateBlock(config_, block, hidden);
            if (layer % step_ == step_ / 2) {
                for (const InputGroup group : kInputGroups) {
                    visitGroup(layer, group, block,
                               std::move(hessians.hessian[static_cast<size_t>(group)]), visit);
                }
            }
        }
    }

private:
    void visitGroup(int layer, InputGroup group, const BlockWeights& block, torch::Tensor hessian,
                    const std::function<void(const CellCase&)>& visit) const {
        const CellSettings shared = groupSettings(plan_, layer, group);
        const GroupBasis basis =
            makeGroupBasis(std::move(hessian), config_.inputSize(group), shared,
                           deriveSeed(shared.seed, inputGroupPrefix(layer, group)));
        for (const Module module : kModules) {
            if (inputGroupOf(module) == group) {
                const Cell cell{layer, module};
                const CellSettings settings = plan_.settingsOf(cell);
                const uint64_t seed = deriveSeed(settings.seed, cellName(cell));
                const torch::Tensor& weight = block.weight[static_cast<size_t>(module)];
                const CellBasis cellBasis(basis, settings, weight.size(0), seed);
                visit({cell, settings, seed, weight, basis, cellBasis});
            }
        }
    }

    std::shared_ptr<const Model> model_;
    const ModelConfig& config_;
    int step_;
    Plan plan_;
};

void compareOptions(const std::shared_ptr<const Model>& model, int step) {
    std::vector<OptionChoice> grid;
    for (const double bits : {1.5, 2.0, 2.5, 3.0, 4.0}) {
        for (const int rank : {0, 16, 32, 64}) {
            grid.push_back({bits, rank});
        }
    }
    std::map<OptionChoice, Ratios> ratios;
    Pairs pairs;
    Visit(model, step).each([&](const CellCase& at) {
        const MatrixShape shape{at.weight.size(0), at.weight.size(1)};
        for (const FidelityOption& option :
             optionErrors(at.cellBasis.rotated(at.weight), at.basis, at.settings,
                          choicesFor(grid, at.settings, shape), {})) {
            CellSettings with = at.settings;
            with.bits = option.bits;
            with.rank = option.rank;
            const double reached = at.decomposed(with).report.relativeError;
            ratios[{option.bits, option.rank}].add(reached / option.relativeError);
            pairs.told.push_back(option.relativeError);
            pairs.truth.push_back(reached);
        }
    });
    for (const auto& [choice, found] : ratios) {
        std::array<char, 64> name{};
        std::snprintf(name.data(), name.size(), "%g bits, rank %d", choice.bits, choice.rank);
        found.print(name.data());
    }
    pairs.print("all");
}

/// The divergence of one cell with another weight.
class Divergence {
public:
    explicit Divergence(const std::shared_ptr<const Model>& model)
        : weights_(modelWeights(model)), metric_(weights_, {}) {
        const std::string text = readTextFile(resourcesFolder() / "demo-model" / "heldout.txt");
        torch::Tensor hidden = weights_->embed(
            heldOutTokens(*model->tokenizer, {text, kHeldOutTokens, 256}, model->config));
        for (int layer = 0; layer < model->config.layerCount; ++layer) {
            blocks_.push_back(weights_->block(layer));
            inputs_.push_back(hidden.clone());
            applyBlock(model->config, blocks_.back(), hidden);
        }
        inputs_.push_back(hidden);
    }

    double operator()(Cell cell, const torch::Tensor& weight) {
        const auto layer = static_cast<size_t>(cell.layer);
        BlockWeights disturbed = blocks_[layer];
        disturbed.weight[static_cast<size_t>(cell.module)] = weight;
        metric_.branchCell({cell.layer, blocks_[layer], disturbed, inputs_[layer]}, cell.module);
        FidelityMetric found;
        metric_.finish(cell.layer, inputs_[layer + 1], found, [](int64_t) {});
        return found.values.at(cell);
    }

private:
    std::shared_ptr<const TransformerWeights> weights_;
    KlMetric metric_;
    std::vector<BlockWeights> blocks_;
    std::vector<torch::Tensor> inputs_; ///< of each layer, then the last states
};

torch::Tensor whiteNoise(const CellCase& at, double relativeError) {
    const torch::Tensor rotated = at.cellBasis.rotated(at.weight);
    at::manual_seed(1);
    const torch::Tensor noise = at::randn_like(rotated);
    const auto energy = [&](const torch::Tensor& x) {
        return (at::mm(x, at.basis.metric) * x).sum(at::kDouble).item<double>();
    };
    return at.weight + at.cellBasis.unrotated(noise) *
                           (relativeError * std::sqrt(energy(rotated) / energy(noise)));
}

void compareNoise(const std::shared_ptr<const Model>& model, int step) {
    Divergence divergence(model);
    struct Kind {
        Ratios ratios;
        Pairs pairs;
        void add(double told, double truth) {
            ratios.add(told / truth);
            pairs.told.push_back(told);
            pairs.truth.push_back(truth);
        }
        void print(const std::string& name) const {
            ratios.print(name);
            pairs.print(name);
        }
    };
    Kind shaped, white, half, errorAlone;
    Visit(model, step).each([&](const CellCase& at) {
        const CompressedCell made = at.decomposed(at.settings);
        const double error = made.report.relativeError;
        const double truth = divergence(at.cell, reconstruct(made));
        shaped.add(divergence(at.cell, noisyWeight(at.weight, at.cellBasis, error, 1)), truth);
        white.add(divergence(at.cell, whiteNoise(at, error)), truth);
        half.add(4 * divergence(at.cell, noisyWeight(at.weight, at.cellBasis, error / 2, 1)),
                 truth);
        errorAlone.add(error * error, truth);
    });
    shaped.print("shaped as LDLQ");
    half.print("half of it, times 4");
    white.print("white");
    errorAlone.pairs.print("error alone");
}

} // namespace

int main(int argc, char** argv) {
    pinBlasKernels(argv);
    fixNumerics(0);
    const at::NoGradGuard noGradients;
    const std::string what = argc == 4 ? argv[1] : "";
    if (what != "options" && what != "noise") {
        std::fprintf(stderr, "usage: fidelity_truth options|noise MODEL STEP\n");
        return 2;
    }
    try {
        const auto model = openModel(argv[2]);
        const int step = std::max(1, std::atoi(argv[3]));
        what == "options" ? compareOptions(model, step) : compareNoise(model, step);
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
