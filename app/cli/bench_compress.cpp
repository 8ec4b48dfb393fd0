// caldera bench compress: one block of a large model, from its file to its cell files, by stage.
// Weights and inputs are random; what is measured is time and memory.
#include "app/cli/benches.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "app/cli/bench_shapes.h"
#include "app/cli/compute_options.h"
#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/calibration/calibration.h"
#include "core/decompose/decompose.h"
#include "core/decompose/lr_solver.h"
#include "core/decompose/q_solver.h"
#include "core/forward/hidden_store.h"
#include "core/forward/transformer.h"
#include "core/job/progress.h"
#include "core/linalg/device.h"
#include "core/linalg/random.h"
#include "core/linalg/spectrum.h"
#include "core/model/safetensors.h"
#include "core/plan/plan.h"

namespace caldera::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// Of the hidden states this share is written and counted as the whole: they are gigabytes.
constexpr int64_t kHiddenShare = 16;
constexpr uint64_t kSeed = 1; ///< of weights and inputs

struct Options {
    std::string shape = "qwen2-72b";
    int64_t tokens = 128 * 2048;
    int64_t sequenceLength = 2048;
    fs::path work;
    CellSettings settings;
    ComputeOptions compute;
};

/// Times the stages of one block.
class BlockBench {
public:
    BlockBench(const Options& options, const Invocation& invocation)
        : options_(options), invocation_(invocation), config_(shapeConfig(options.shape)),
          device_(deviceOf(options.compute.device)) {}

    Json run();

private:
    void writeModel(const fs::path& folder) const;
    torch::Tensor randomHidden() const;
    void decomposeGroup(InputGroup group, BlockWeights& weights, torch::Tensor& hessian);
    void timeParts(const torch::Tensor& weight, const GroupBasis& basis,
                   const CompressedCell& finished);
    void saveHidden(const torch::Tensor& hidden);
    Json result() const;

    /// Adds the seconds that `work` takes, the GPU's included, to a stage, and raises the stage's
    /// peak of memory to what is taken meanwhile.
    template <class Work>
    double timed(const std::string& stage, const Work& work) {
        finishWork(device_);
        resetPeakMemory(device_);
        const auto start = Clock::now();
        work();
        finishWork(device_);
        const double seconds = secondsSince(start);
        stages_[stage] += seconds;
        const PeakMemory peak = peakMemory(device_);
        for (PeakMemory* known : {&peaks_[stage], &peak_}) {
            known->used = std::max(known->used, peak.used);
            known->reserved = std::max(known->reserved, peak.reserved);
        }
        return seconds;
    }

    const Options& options_;
    const Invocation& invocation_;
    ModelConfig config_;
    torch::Device device_;
    std::map<std::string, double> stages_;
    std::map<std::string, PeakMemory> peaks_; ///< by stage
    PeakMemory peak_;                         ///< of all stages
    Json matrices_ = Json::array();
    Json parts_ = Json::array();
    double savedShare_ = 1;
};

/// The block in bf16, as a model's file holds it.
void BlockBench::writeModel(const fs::path& folder) const {
    SafetensorsWriter writer;
    const std::string prefix = "model.layers.0.";
    const auto add = [&](const std::string& name, const torch::Tensor& values) {
        const torch::Tensor stored = values.to(at::kBFloat16).cpu().contiguous();
        const auto* data = reinterpret_cast<const std::byte*>(stored.data_ptr<at::BFloat16>());
        writer.add(name, "BF16", stored.sizes().vec(),
                   {data, static_cast<size_t>(stored.numel()) * 2});
    };
    const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device_);
    add(prefix + "input_layernorm.weight", at::ones({config_.hiddenSize}, options));
    add(prefix + "post_attention_layernorm.weight", at::ones({config_.hiddenSize}, options));
    for (const Module module : kModules) {
        const MatrixShape shape = config_.shapeOf(module);
        add(cellName({0, module}) + ".weight",
            at::randn({shape.rows, shape.columns}, options) * 0.02);
        if (module <= Module::VProj) {
            add(cellName({0, module}) + ".bias", at::randn({shape.rows}, options) * 0.1);
        }
    }
    writer.write(folder / "model.safetensors");
}

/// [n, t, hidden] f32; some features are larger than others, as in models. Pinned for a GPU.
torch::Tensor BlockBench::randomHidden() const {
    const int64_t count = std::max<int64_t>(1, options_.tokens / options_.sequenceLength);
    torch::Tensor hidden =
        at::empty({count, options_.sequenceLength, config_.hiddenSize},
                  at::TensorOptions(at::kFloat).pinned_memory(device_.is_cuda()));
    const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device_);
    const torch::Tensor sizes = at::randn({config_.hiddenSize}, options).exp();
    for (int64_t i = 0; i < count; ++i) {
        hidden[i].copy_(at::randn({options_.sequenceLength, config_.hiddenSize}, options) * sizes);
    }
    return hidden;
}

/// What a decomposition is made of, each part once and alone, on the weight as it is.
void BlockBench::timeParts(const torch::Tensor& weight, const GroupBasis& basis,
                           const CompressedCell& finished) {
    const CellSettings& settings = options_.settings;
    const auto codec = makeCodec(settings.codecId());
    const auto leftCodec = makeFactorCodec(settings.leftCodecId());
    const auto rightCodec = makeFactorCodec(settings.rightCodecId());
    const QSolver solver(*codec, {weight.size(0), weight.size(1)}, basis.hessian, basis.cholesky,
                         invocation_.stop);
    QuantizedWeight q;
    const PeakMemory before = peak_;
    const std::string part = "parts";
    Json row = {{"module", moduleName(finished.cell.module)}};
    if (settings.rank > 0) {
        row["low_rank_seconds"] = timed(part, [&] {
            fitLowRank(weight, basis.hessian,
                       {settings.rank, settings.innerIterations, 1, *leftCodec, *rightCodec});
        });
    }
    row["ldlq_seconds"] = timed(part, [&] { q = solver.encode(weight); });
    row["sweep_seconds"] = timed(part, [&] { solver.improve(weight, q); });
    row["product_seconds"] = timed(part, [&] { at::mm(weight, basis.hessian); });
    row["spectrum_seconds"] = timed(part, [&] { spectrumOf(weight); });
    row["decode_seconds"] = timed(part, [&] { reconstruct(finished, device_); });
    stages_.erase(part); // they are no stage of a compression
    peaks_.erase(part);
    peak_ = before;
    parts_.push_back(std::move(row));
}

void BlockBench::decomposeGroup(InputGroup group, BlockWeights& weights, torch::Tensor& hessian) {
    GroupBasis basis;
    timed("basis", [&] {
        basis = makeGroupBasis(std::move(hessian), config_.inputSize(group), options_.settings,
                               options_.settings.seed);
    });
    for (const Module module : kModules) {
        if (inputGroupOf(module) != group) {
            continue;
        }
        checkCancelled(invocation_.stop);
        const torch::Tensor weight = std::exchange(weights.weight[static_cast<size_t>(module)], {});
        const Cell cell{0, module};
        CompressedCell finished;
        const double seconds = timed("decompose", [&] {
            finished =
                decompose({cell, weight, options_.settings,
                           deriveSeed(options_.settings.seed, cellName(cell)), invocation_.stop},
                          basis);
        });
        timed("write", [&] {
            writeCellFile(options_.work / (cellName(cell) + ".safetensors"), finished, "bench");
        });
        matrices_.push_back({{"module", moduleName(module)},
                             {"rows", finished.report.shape.rows},
                             {"columns", finished.report.shape.columns},
                             {"seconds", seconds},
                             {"relative_error", finished.report.relativeError},
                             {"bpw", finished.report.bitsPerWeight}});
        invocation_.progress.log(std::string(moduleName(module)) + ": " + numberText(seconds) +
                                 " s");
        if (module == Module::OProj || module == Module::DownProj) { // square, and the largest
            timeParts(weight, basis, finished);
        }
    }
}

void BlockBench::saveHidden(const torch::Tensor& hidden) {
    const int64_t count = std::max<int64_t>(1, hidden.size(0) / kHiddenShare);
    savedShare_ = static_cast<double>(count) / static_cast<double>(hidden.size(0));
    const torch::Tensor part = hidden.narrow(0, 0, count);
    timed("hidden states", [&] { HiddenStore(options_.work / "hidden", "bench").save(1, part); });
    stages_["hidden states"] /= savedShare_;
}

Json BlockBench::run() {
    at::manual_seed(kSeed);
    writeModel(options_.work);
    torch::Tensor hidden = randomHidden();
    auto model = std::make_shared<Model>();
    model->name = options_.shape;
    model->config = config_;
    model->weights = openSafetensorsWeights(options_.work);
    BlockWeights weights;
    timed("read", [&] { weights = modelWeights(model, device_)->block(0); });
    BlockHessians hessians;
    timed("forward",
          [&] { hessians = calibrateBlock(config_, weights, hidden, invocation_.stop); });
    invocation_.progress.log("forward: " + numberText(stages_["forward"]) + " s");
    saveHidden(hidden);
    for (const InputGroup group : kInputGroups) {
        decomposeGroup(group, weights, hessians.hessian[static_cast<size_t>(group)]);
    }
    return result();
}

Json BlockBench::result() const {
    double total = 0;
    Json stages;
    for (const auto& [stage, seconds] : stages_) {
        stages[stage] = seconds;
        total += seconds;
    }
    Json peaks;
    for (const auto& [stage, peak] : peaks_) {
        peaks[stage] = {{"used", peak.used}, {"reserved", peak.reserved}};
    }
    return {{"shape", options_.shape},
            {"device", options_.compute.device},
            {"codec", options_.settings.codecId()},
            {"rank", options_.settings.rank},
            {"tokens", options_.tokens},
            {"stages", std::move(stages)},
            {"hidden_states_share_written", savedShare_},
            {"seconds", total},
            {"layers", config_.layerCount},
            {"model_seconds", total * config_.layerCount},
            {"peak_bytes_used", peak_.used},
            {"peak_bytes_reserved", peak_.reserved},
            {"peak_bytes", std::move(peaks)},
            {"parts", parts_},
            {"matrices", matrices_}};
}

void printText(const Json& result) {
    std::cout << "One block of " << result["shape"].get<std::string>() << " on "
              << result["device"].get<std::string>() << ", " << result["codec"].get<std::string>()
              << ", rank " << result["rank"] << ", " << result["tokens"] << " tokens:\n";
    for (const auto& [stage, seconds] : result["stages"].items()) {
        std::cout << "  " << stage << ": " << durationText(seconds.get<double>()) << '\n';
    }
    std::cout << "  together " << durationText(result["seconds"].get<double>()) << "; "
              << result["layers"] << " such blocks "
              << durationText(result["model_seconds"].get<double>()) << '\n';
    const auto peak = result["peak_bytes_used"].get<uint64_t>();
    if (peak > 0) {
        std::cout << "  GPU memory at its peak: " << memoryText(peak) << '\n';
    }
}

/// Where the files go: a folder that somebody named stays, an own one is removed, whatever
/// happens.
class BenchFolder {
public:
    explicit BenchFolder(const fs::path& named) : path_(named), isOwn_(named.empty()) {
        if (isOwn_) {
            path_ = fs::temp_directory_path() /
                    ("caldera-bench-" + std::to_string(Clock::now().time_since_epoch().count()));
        }
        fs::create_directories(path_);
        if (!fs::is_empty(path_)) {
            throw Error("bench.folder",
                        path_.string() + " is not empty. Files are written there: give a new "
                                         "folder with --work.",
                        {{"folder", path_.string()}});
        }
    }
    ~BenchFolder() {
        std::error_code ignored;
        if (isOwn_) {
            fs::remove_all(path_, ignored);
        }
    }
    BenchFolder(const BenchFolder&) = delete;
    BenchFolder& operator=(const BenchFolder&) = delete;

    const fs::path& path() const { return path_; }

private:
    fs::path path_;
    bool isOwn_;
};

/// Throws Error("plan.*") for settings that a plan of such a model may not have.
void checkSettings(const Options& options) {
    Plan plan;
    plan.defaults = options.settings;
    checkPlan(plan, shapeConfig(options.shape));
}

void run(Options options, const Invocation& invocation) {
    options.compute.apply();
    options.sequenceLength = std::min(options.sequenceLength, options.tokens);
    checkSettings(options); // before gigabytes are written
    const BenchFolder folder(options.work);
    options.work = folder.path();
    const Json result = BlockBench(options, invocation).run();
    if (invocation.json) {
        std::cout << result.dump(2) << '\n';
    } else {
        printText(result);
    }
}

} // namespace

void addCompressBench(CLI::App& bench, const std::function<void(BenchRun)>& choose) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = bench.add_subcommand(
        "compress",
        "Time one block of a large model, with random weights, from file to cell files");
    app->fallthrough();
    app->callback([options, choose] {
        choose([options](const Invocation& invocation) { run(*options, invocation); });
    });
    app->add_option("--shape", options->shape, "Whose block; demo: the demo model's")
        ->check(shapeComplaint)
        ->capture_default_str();
    app->add_option("--tokens", options->tokens, "Calibration tokens")
        ->check(between(2, 1 << 24))
        ->capture_default_str();
    app->add_option("--sequence-length", options->sequenceLength,
                    "Tokens of a calibration sequence")
        ->check(between(2, 32768))
        ->capture_default_str();
    app->add_option("--work", options->work,
                    "New folder for files, which stay; default: a temporary one")
        ->type_name("FOLDER");
    CellSettings& settings = options->settings;
    app->add_option("--codec", settings.codec, "Codec family of Q")->capture_default_str();
    app->add_option("--bits", settings.bits, "Bits of Q")
        ->check(between(0, 16))
        ->capture_default_str();
    app->add_option("--rank", settings.rank, "Rank of L R: 0 or a multiple of 16")
        ->check(notNegative())
        ->capture_default_str();
    app->add_option("--outer-iterations", settings.outerIterations, "Rounds of L R and Q at most")
        ->check(between(1, 100))
        ->capture_default_str();
    options->compute.addTo(*app);
}

} // namespace caldera::cli
