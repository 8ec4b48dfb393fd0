#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/command.h"
#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/model/outline.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// How many of something there are, and their bytes.
struct Share {
    int64_t count = 0;
    uint64_t bytes = 0;
};

/// A label and what stands beside it.
using Lines = std::vector<std::pair<std::string, std::string>>;

void print(const std::string& title, const Lines& lines) {
    size_t width = 0;
    for (const auto& [label, text] : lines) {
        width = std::max(width, label.size());
    }
    std::printf("%s\n", title.c_str());
    for (const auto& [label, text] : lines) {
        std::printf("  %-*s  %s\n", static_cast<int>(width), label.c_str(), text.c_str());
    }
}

std::string formatted(const char* format, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

/// "134.5 million", "72.7 billion".
std::string countText(int64_t count) {
    constexpr std::array<std::pair<double, const char*>, 3> units = {
        {{1e9, "billion"}, {1e6, "million"}, {1e3, "thousand"}}};
    const auto amount = static_cast<double>(count);
    for (const auto& [size, name] : units) {
        if (amount >= size) {
            return formatted("%.1f", amount / size) + " " + name;
        }
    }
    return std::to_string(count);
}

std::string shapeText(MatrixShape shape) {
    return std::to_string(shape.rows) + " x " + std::to_string(shape.columns);
}

std::string sharesText(const std::map<std::string, Share>& shares) {
    std::string text;
    for (const auto& [name, share] : shares) {
        text += (text.empty() ? "" : ", ") + std::to_string(share.count) + " " + name + " (" +
                byteText(share.bytes) + ")";
    }
    return text;
}

Json sharesJson(const std::map<std::string, Share>& shares) {
    Json json = Json::object();
    for (const auto& [name, share] : shares) {
        json[name] = {{"count", share.count}, {"bytes", share.bytes}};
    }
    return json;
}

/// Modules of one shape on one line: "q_proj, o_proj  576 x 576".
Lines shapeLines(const ModelConfig& config) {
    Lines lines;
    for (const Module module : kModules) {
        const std::string shape = shapeText(config.shapeOf(module));
        const auto same = std::find_if(lines.begin(), lines.end(),
                                       [&](const auto& line) { return line.second == shape; });
        if (same == lines.end()) {
            lines.emplace_back(moduleName(module), shape);
        } else {
            same->first += ", " + std::string(moduleName(module));
        }
    }
    for (auto& [names, shape] : lines) {
        std::swap(names, shape);
    }
    return lines;
}

void addConfigLines(const ModelConfig& config, Lines& lines) {
    lines.emplace_back("architecture", config.architecture + ", " +
                                           std::to_string(config.layerCount) + " layers, " +
                                           countText(config.parameterCount()) + " parameters");
    lines.emplace_back("attention", std::to_string(config.headCount) + " heads of " +
                                        std::to_string(config.headSize) + ", " +
                                        std::to_string(config.kvHeadCount) +
                                        " for keys and values, " +
                                        (config.attentionBias ? "q k v biases" : "no biases"));
    lines.emplace_back(
        "positions",
        std::to_string(config.maxPositions) + ", theta " + formatted("%.10g", config.ropeTheta) +
            (config.ropeScaling ? ", llama3 scaling by " + numberText(config.ropeScaling->factor)
                                : ""));
    lines.emplace_back("embeddings",
                       shapeText({config.vocabSize, config.hiddenSize}) +
                           (config.tiedEmbeddings ? ", the head is the same table" : ", own head"));
    std::string label = "cells";
    for (const auto& [shape, names] : shapeLines(config)) {
        std::string text = shape;
        text += "  ";
        text += names;
        lines.emplace_back(std::exchange(label, ""), text);
    }
}

Json configJson(const ModelConfig& config) {
    Json shapes = Json::object();
    for (const Module module : kModules) {
        const MatrixShape shape = config.shapeOf(module);
        shapes[std::string(moduleName(module))] = {shape.rows, shape.columns};
    }
    return {{"architecture", config.architecture},
            {"layers", config.layerCount},
            {"parameters", config.parameterCount()},
            {"hidden_size", config.hiddenSize},
            {"intermediate_size", config.intermediateSize},
            {"heads", config.headCount},
            {"kv_heads", config.kvHeadCount},
            {"head_size", config.headSize},
            {"vocab_size", config.vocabSize},
            {"max_positions", config.maxPositions},
            {"rope_theta", config.ropeTheta},
            {"rope_scaling", config.ropeScaling ? Json("llama3") : Json(nullptr)},
            {"tied_embeddings", config.tiedEmbeddings},
            {"biases", config.attentionBias},
            {"cells", config.cellCount()},
            {"shapes", shapes}};
}

void addTokenizerLines(const Tokenizer& tokenizer, const ChatTemplate& chat, Lines& lines) {
    lines.emplace_back("tokenizer", std::to_string(tokenizer.size()) + " tokens");
    lines.emplace_back(
        "chat",
        std::string(chatFormatName(chat.format)) +
            (chat.defaultSystem.empty() ? "" : ", system message \"" + chat.defaultSystem + "\""));
}

void addTokenizerJson(const Tokenizer& tokenizer, const ChatTemplate& chat, Json& json) {
    json["tokenizer_size"] = tokenizer.size();
    json["chat_format"] = chatFormatName(chat.format);
    json["default_system"] = chat.defaultSystem;
}

/// Bytes of the file, or of the folder's weight files.
uint64_t weightFileBytes(const fs::path& path) {
    if (!fs::is_directory(path)) {
        return fs::file_size(path);
    }
    uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        const bool isWeights = name.starts_with("model") && name.ends_with(".safetensors");
        if (isWeights && entry.is_regular_file()) {
            bytes += entry.file_size();
        }
    }
    return bytes;
}

uint64_t tensorBytes(const Model& model) {
    uint64_t bytes = 0;
    for (const TensorInfo& tensor : model.weights->tensors()) {
        bytes += tensor.bytes;
    }
    return bytes;
}

void tellModel(const Model& model, bool asJson) {
    std::map<std::string, Share> types;
    for (const TensorInfo& tensor : model.weights->tensors()) {
        ++types[tensor.dtype].count;
        types[tensor.dtype].bytes += tensor.bytes;
    }
    const uint64_t bytes = isOutline(model.path) ? tensorBytes(model) : weightFileBytes(model.path);
    if (asJson) {
        Json json = configJson(model.config);
        json.update({{"kind", "model"},
                     {"name", model.name},
                     {"path", model.path.string()},
                     {"bytes", bytes},
                     {"tensors", sharesJson(types)},
                     {"fingerprint", model.fingerprint}});
        addTokenizerJson(*model.tokenizer, model.chat, json);
        std::printf("%s\n", jsonText(json).c_str());
        return;
    }
    Lines lines = {{"model", model.path.string() + ", " + byteText(bytes)}};
    addConfigLines(model.config, lines);
    lines.emplace_back("tensors", sharesText(types));
    addTokenizerLines(*model.tokenizer, model.chat, lines);
    lines.emplace_back("fingerprint", model.fingerprint);
    print(model.name, lines);
}

/// Cells by codec of Q, as "e8p-2"; those kept in 16 bits as "16-bit".
std::map<std::string, Share> cellsByCodec(const Artifact& artifact) {
    std::map<std::string, Share> codecs;
    for (int layer = 0; layer < artifact.config().layerCount; ++layer) {
        for (const Module module : kModules) {
            const ArtifactCell cell = artifact.cell({layer, module});
            Share& share = codecs[cell.dense.empty() ? cell.q.codec : "16-bit"];
            ++share.count;
            share.bytes += cell.q.codes.size_bytes() + cell.l.codes.size_bytes() +
                           cell.r.codes.size_bytes() + cell.dense.size_bytes();
        }
    }
    return codecs;
}

std::pair<int, int> rankRange(const Artifact& artifact) {
    std::pair<int, int> range{artifact.cell({0, Module::QProj}).rank(), 0};
    for (int layer = 0; layer < artifact.config().layerCount; ++layer) {
        for (const Module module : kModules) {
            const int rank = artifact.cell({layer, module}).rank();
            range = {std::min(range.first, rank), std::max(range.second, rank)};
        }
    }
    return range;
}

void tellArtifact(const Artifact& artifact, bool asJson) {
    const auto codecs = cellsByCodec(artifact);
    const auto [lowest, highest] = rankRange(artifact);
    if (asJson) {
        Json json = configJson(artifact.config());
        json.update({{"kind", "artifact"},
                     {"name", artifact.name()},
                     {"path", artifact.path().string()},
                     {"bytes", artifact.fileBytes()},
                     {"bpw", artifact.bitsPerWeight()},
                     {"codecs", sharesJson(codecs)},
                     {"rank_min", lowest},
                     {"rank_max", highest},
                     {"embedding_bits", artifact.embedding().bits},
                     {"head_bits", artifact.head().bits},
                     {"hash", artifact.hash()},
                     {"fingerprint", artifact.modelFingerprint()}});
        addTokenizerJson(*artifact.tokenizer(), artifact.chat(), json);
        std::printf("%s\n", jsonText(json).c_str());
        return;
    }
    Lines lines = {{"artifact", artifact.path().string() + ", " +
                                    byteText(static_cast<uint64_t>(artifact.fileBytes()))}};
    addConfigLines(artifact.config(), lines);
    lines.emplace_back("compressed", sharesText(codecs) + ", " +
                                         formatted("%.3f", artifact.bitsPerWeight()) +
                                         " bits per weight");
    lines.emplace_back("ranks", lowest == highest
                                    ? std::to_string(lowest)
                                    : std::to_string(lowest) + " to " + std::to_string(highest));
    lines.emplace_back("tables", "embeddings " + std::to_string(artifact.embedding().bits) +
                                     " bit, head " + std::to_string(artifact.head().bits) + " bit");
    addTokenizerLines(*artifact.tokenizer(), artifact.chat(), lines);
    lines.emplace_back("hash", artifact.hash());
    lines.emplace_back("made from", "fingerprint " + artifact.modelFingerprint());
    print(artifact.name(), lines);
}

struct Options {
    std::string model;
    fs::path outline;
    bool verify = false;
};

void run(const Options& options, const Invocation& invocation) {
    if (!isArtifact(options.model)) {
        if (options.verify) {
            throw UsageError("info.verify", options.model +
                                                " is no compressed model, and only those carry "
                                                "checksums. Leave --verify out.");
        }
        const auto model = openModel(options.model);
        if (!options.outline.empty()) {
            writeOutline(*model, options.outline);
        }
        tellModel(*model, invocation.json);
        return;
    }
    if (!options.outline.empty()) {
        throw UsageError("info.outline", options.model +
                                             " is a compressed model, and only models have "
                                             "outlines. Leave --outline out.");
    }
    const auto artifact = Artifact::open(options.model);
    if (options.verify) {
        artifact->verify(invocation.stop);
    }
    tellArtifact(*artifact, invocation.json);
}

} // namespace

void addInfoCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add("info", "Say what a model or a compressed model is",
                                 [options](Invocation& invocation) { run(*options, invocation); });
    app.add_flag("--verify", options->verify,
                 "Also read every byte of a compressed model and compare all checksums");
    app.add_option("--outline", options->outline,
                   "Also write all of a model but its weights into a folder, which other machines "
                   "open to plan for it")
        ->type_name("FOLDER");
    app.add_option("MODEL", options->model,
                   "Folder, .gguf file, name in the Hugging Face cache, or compressed model")
        ->required()
        ->type_name("MODEL|ARTIFACT");
}

} // namespace caldera::cli
