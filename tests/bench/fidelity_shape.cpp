// Whether fidelity of a large model fits a GPU: a random model of Qwen2-72B's width (bf16) and a
// few layers is written to a folder, measured, and removed again.
//
//     fidelity_shape qwen2-72b|tiny DEVICE [LAYERS=2] [TEXT_TOKENS=512] [CALIBRATION_TOKENS=32768]
//                    [METRICS=proxy,kl]
//
// Prints seconds and the peak of the GPU's memory. 6.1 GB of disk and of memory for qwen2-72b.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/fidelity/fidelity.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/model/safetensors.h"

using namespace caldera;
namespace fs = std::filesystem;

namespace {

ModelConfig shapeOf(const std::string& name, int layers) {
    const bool large = name == "qwen2-72b";
    if (!large && name != "tiny") {
        throw Error("usage", name + " is no shape; qwen2-72b or tiny was needed.");
    }
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = large ? 8192 : 256;
    config.intermediateSize = large ? 29568 : 768;
    config.layerCount = layers;
    config.headCount = large ? 64 : 4;
    config.kvHeadCount = large ? 8 : 2;
    config.headSize = large ? 128 : 64;
    config.vocabSize = large ? 152064 : 4096;
    config.maxPositions = 32768;
    config.tiedEmbeddings = true;
    return config;
}

/// Files of the demo model beside a configuration of this shape: its tokenizer knows fewer tokens.
void writeFolder(const ModelConfig& config, const fs::path& folder) {
    fs::create_directories(folder);
    const fs::path demo = resourcesFolder() / "demo-model";
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
        fs::copy_file(demo / name, folder / name);
    }
    nlohmann::json facts = nlohmann::json::parse(readTextFile(demo / "config.json"));
    facts.erase("layer_types"); // one for each of the demo model's layers
    facts["hidden_size"] = config.hiddenSize;
    facts["intermediate_size"] = config.intermediateSize;
    facts["num_hidden_layers"] = config.layerCount;
    facts["num_attention_heads"] = config.headCount;
    facts["num_key_value_heads"] = config.kvHeadCount;
    facts["head_dim"] = config.headSize;
    facts["vocab_size"] = config.vocabSize;
    facts["max_position_embeddings"] = config.maxPositions;
    facts["tie_word_embeddings"] = true;
    writeFileAtomically(folder / "config.json", facts.dump());
}

void writeWeights(const ModelConfig& config, const fs::path& folder, const torch::Device& device) {
    at::manual_seed(1);
    SafetensorsWriter writer;
    const auto add = [&](const std::string& name, const torch::Tensor& values) {
        const torch::Tensor stored = values.to(at::kBFloat16).cpu().contiguous();
        const auto* data = reinterpret_cast<const std::byte*>(stored.data_ptr<at::BFloat16>());
        writer.add(name, "BF16", stored.sizes().vec(),
                   {data, static_cast<size_t>(stored.numel()) * 2});
    };
    const at::TensorOptions options = at::TensorOptions(at::kFloat).device(device);
    add("model.embed_tokens.weight",
        at::randn({config.vocabSize, config.hiddenSize}, options) * 0.02);
    add("model.norm.weight", at::ones({config.hiddenSize}, options));
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        add(prefix + "input_layernorm.weight", at::ones({config.hiddenSize}, options));
        add(prefix + "post_attention_layernorm.weight", at::ones({config.hiddenSize}, options));
        for (const Module module : kModules) {
            const MatrixShape shape = config.shapeOf(module);
            add(cellName({layer, module}) + ".weight",
                at::randn({shape.rows, shape.columns}, options) * 0.02);
            if (module <= Module::VProj) {
                add(cellName({layer, module}) + ".bias", at::randn({shape.rows}, options) * 0.1);
            }
        }
    }
    writer.write(folder / "model.safetensors");
}

/// Says when each layer's values of each metric come.
class LayerClock : public Progress {
public:
    void stage(const std::string&) override {}
    void advance(int64_t, int64_t) override {}
    void event(const std::string& kind, nlohmann::json fields) override {
        if (kind != "cell") {
            return;
        }
        const std::string metric = fields["metric"];
        const int layer = fields["layer"];
        const auto [last, isFirst] = last_.try_emplace(metric, -1);
        if (isFirst || last->second != layer) {
            last->second = layer;
            std::printf("  %6.1f s  %s of layer %d\n", secondsSince(start_), metric.c_str(), layer);
        }
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::map<std::string, int> last_;
};

int64_t numberAt(int argc, char** argv, int index, int64_t usual) {
    const int64_t number = argc > index ? std::atoll(argv[index]) : usual;
    if (number < 1) {
        throw Error("usage", std::string(argv[index]) + " is no number above 0.");
    }
    return number;
}

std::set<Metric> metricsOf(const std::string& names) {
    static const std::map<std::string, Metric> known = {{"proxy", Metric::Proxy},
                                                        {"kl", Metric::Kl},
                                                        {"sipit", Metric::SipIt},
                                                        {"lens", Metric::Lens}};
    std::set<Metric> metrics;
    std::istringstream list(names);
    for (std::string name; std::getline(list, name, ',');) {
        if (!known.contains(name)) {
            throw Error("usage", name + " is no metric; proxy, kl, sipit or lens was needed.");
        }
        metrics.insert(known.at(name));
    }
    return metrics;
}

void measure(int argc, char** argv, const fs::path& folder) {
    const torch::Device device = deviceOf(argv[2]);
    const auto layers = static_cast<int>(numberAt(argc, argv, 3, 2));
    const ModelConfig shape = shapeOf(argv[1], layers);
    writeFolder(shape, folder);
    writeWeights(shape, folder, device);
    FidelityRequest request;
    request.model = openModel(folder);
    request.plan = defaultPlan(folder.string(), request.model->config);
    request.plan.calibration.tokens = numberAt(argc, argv, 5, 32768);
    request.metrics = metricsOf(argc > 6 ? argv[6] : "proxy,kl");
    for (const double bits : {1.5, 2.0, 2.5, 3.0, 4.0}) {
        for (const int rank : {0, 64, 256}) {
            request.options.push_back({bits, rank}); // as `caldera fidelity` has them
        }
    }
    request.heldOut.text = readTextFile(resourcesFolder() / "demo-model" / "heldout.txt");
    request.heldOut.tokens = numberAt(argc, argv, 4, 512);
    request.device = argv[2];
    resetPeakMemory(device);
    LayerClock clock;
    const auto start = std::chrono::steady_clock::now();
    const Report report = measureFidelity(request, clock, {});
    const double seconds = secondsSince(start);
    const PeakMemory peak = peakMemory(device);
    constexpr double kGibi = 1 << 30;
    std::printf("%s, %d layers, %lld + %lld tokens on %s: %.1f s, %.1f s a layer, peak of the GPU "
                "%.2f GiB by tensors, %.2f GiB reserved\n",
                argv[1], layers, static_cast<long long>(request.plan.calibration.tokens),
                static_cast<long long>(request.heldOut.tokens), argv[2], seconds, seconds / layers,
                static_cast<double>(peak.used) / kGibi, static_cast<double>(peak.reserved) / kGibi);
    std::printf("%zu cells measured\n", report.cells.size());
}

} // namespace

int main(int argc, char** argv) {
    pinBlasKernels(argv);
    fixNumerics(0);
    const at::NoGradGuard noGradients;
    if (argc < 3) {
        std::fprintf(stderr, "usage: fidelity_shape qwen2-72b|tiny DEVICE [LAYERS] [TEXT_TOKENS] "
                             "[CALIBRATION_TOKENS] [METRICS]\n");
        return 2;
    }
    const fs::path folder = fs::temp_directory_path() / "caldera-fidelity-shape";
    int status = 0;
    try {
        fs::remove_all(folder);
        measure(argc, argv, folder);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        status = 1;
    }
    fs::remove_all(folder);
    return status;
}
