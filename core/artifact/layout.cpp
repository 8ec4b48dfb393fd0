#include "core/artifact/layout.h"

#include <array>
#include <cstdio>
#include <functional>
#include <numeric>

#include "core/plan/packing.h"

namespace caldera {

namespace {

/// Collects the tensors of one file.
class Shard {
public:
    Shard(std::string file, std::vector<TensorSpec>& specs)
        : file_(std::move(file)), specs_(specs) {}

    void add(const std::string& name, const char* dtype, std::vector<int64_t> shape) {
        specs_.push_back({name, dtype, std::move(shape), file_});
    }

    void addCell(Cell cell, const CellSettings& settings, MatrixShape shape) {
        const std::string name = cellName(cell);
        if (settings.skip) {
            add(name + ".weight", "BF16", {shape.rows, shape.columns});
            return;
        }
        const auto addMatrix = [&](const std::string& part, CodeTensor codes, int64_t scales) {
            add(name + part + ".codes", "U8", {codes.rows, codes.rowBytes});
            add(name + part + ".scale", "F16", {scales});
        };
        const CodeTensor codes = matrixCodes(settings, shape);
        addMatrix(".q", codes, codes.rows);
        if (settings.rank > 0) {
            addMatrix(".l", leftCodes(settings, shape), settings.rank);
            addMatrix(".r", rightCodes(settings, shape), settings.rank);
        }
        add(name + ".out_sign", "F16", {shape.rows});
    }

    void addTable(const std::string& name, int bits, int64_t rows, int64_t columns) {
        const TableRow row = tableRow(bits, columns);
        if (bits == 16) {
            add(name + ".weight", "BF16", {rows, columns});
        } else if (bits == 8) {
            add(name + ".weight", "I8", {rows, columns});
            add(name + ".scale", "F16", {rows});
        } else {
            add(name + ".weight", "U8", {rows, row.codeBytes});
            add(name + ".scale", "F16", {rows, row.scales});
        }
    }

private:
    std::string file_;
    std::vector<TensorSpec>& specs_;
};

void addLayer(Shard& shard, int layer, const Plan& plan, const ModelConfig& config) {
    for (const InputGroup group : kInputGroups) {
        bool signsWritten = false;
        for (const Module module : kModules) {
            if (inputGroupOf(module) != group) {
                continue;
            }
            const CellSettings settings = plan.settingsOf({layer, module});
            if (!settings.skip && !signsWritten) {
                shard.add(inputGroupPrefix(layer, group) + ".in_sign", "F16",
                          {config.inputSize(group)});
                signsWritten = true;
            }
            shard.addCell({layer, module}, settings, config.shapeOf(module));
            if (config.attentionBias && group == InputGroup::Qkv) {
                shard.add(cellName({layer, module}) + ".bias", "F32",
                          {config.shapeOf(module).rows});
            }
        }
    }
}

} // namespace

int64_t TensorSpec::bytes() const {
    const int64_t element = dtype == "F32" ? 4 : dtype == "F16" || dtype == "BF16" ? 2 : 1;
    return std::accumulate(shape.begin(), shape.end(), element, std::multiplies<>());
}

std::string shardName(int index, int count) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "model-%05d-of-%05d.safetensors", index + 1, count);
    return text.data();
}

std::set<std::string> artifactCodecs(const Plan& plan, const ModelConfig& config) {
    std::set<std::string> ids;
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const CellSettings settings = plan.settingsOf({layer, module});
            if (settings.skip) {
                continue;
            }
            ids.insert(settings.codecId());
            if (settings.rank > 0) {
                ids.insert({settings.leftCodecId(), settings.rightCodecId()});
            }
        }
    }
    return ids;
}

std::vector<TensorSpec> artifactTensors(const Plan& plan, const ModelConfig& config) {
    std::vector<TensorSpec> specs;
    const int count = config.layerCount + 1;
    for (int layer = 0; layer < config.layerCount; ++layer) {
        Shard shard(shardName(layer, count), specs);
        addLayer(shard, layer, plan, config);
    }
    Shard last(shardName(config.layerCount, count), specs);
    last.addTable(kEmbeddingName, plan.embeddingBits, config.vocabSize, config.hiddenSize);
    if (!config.tiedEmbeddings) {
        last.addTable(kHeadName, plan.headBits, config.vocabSize, config.hiddenSize);
    }
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer);
        last.add(prefix + ".input_layernorm.weight", "F32", {config.hiddenSize});
        last.add(prefix + ".post_attention_layernorm.weight", "F32", {config.hiddenSize});
    }
    last.add("model.norm.weight", "F32", {config.hiddenSize});
    return specs;
}

} // namespace caldera
