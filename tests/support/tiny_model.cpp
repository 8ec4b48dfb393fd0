#include "tests/support/tiny_model.h"

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/base/json_text.h"
#include "core/codec/codec_tables.h"

namespace caldera::test {

namespace {

class MemoryWeights : public WeightSource {
public:
    MemoryWeights(const std::map<std::string, std::vector<float>>& values, int64_t hidden)
        : values_(values) {
        for (const auto& [name, tensor] : values) {
            const auto size = static_cast<int64_t>(tensor.size());
            const bool isMatrix = name.ends_with("_proj.weight") || size > hidden * hidden;
            int64_t columns = isMatrix ? hidden : size;
            if (const auto cell = parseCellName(name.substr(0, name.rfind('.')));
                cell && cell->module == Module::DownProj) {
                columns = size / hidden;
            }
            TensorInfo info{name, "F32", {columns}, tensor.size() * sizeof(float)};
            if (isMatrix) {
                info.shape = {size / columns, columns};
            }
            infos_.push_back(info);
        }
    }
    const std::vector<TensorInfo>& tensors() const override { return infos_; }
    const TensorInfo* find(const std::string& name) const override {
        for (const TensorInfo& info : infos_) {
            if (info.name == name) {
                return &info;
            }
        }
        return nullptr;
    }
    void readRows(const std::string& name, int64_t first, int64_t count,
                  std::span<float> out) const override {
        const int64_t columns = find(name)->shape.back();
        const auto begin = values_.at(name).begin() + first * columns;
        std::copy(begin, begin + count * columns, out.begin());
    }

private:
    const std::map<std::string, std::vector<float>>& values_;
    std::vector<TensorInfo> infos_;
};

ModelConfig configOf(const TinyOptions& options) {
    ModelConfig config;
    config.architecture = options.architecture;
    config.hiddenSize = options.isWide ? 256 : 64;
    config.intermediateSize = options.isWide ? 640 : 96;
    config.layerCount = 3;
    config.headCount = 4;
    config.kvHeadCount = 2;
    config.headSize = options.isWide ? 64 : 16;
    config.vocabSize = 2064; // 16 rows more than the tokenizer has tokens
    config.maxPositions = options.contextLength;
    config.rmsNormEpsilon = 1e-6;
    config.ropeTheta = 10000;
    if (options.scalesRope) {
        config.ropeScaling = RopeScaling{8, 1, 4, 32};
    }
    config.tiedEmbeddings = options.hasTiedHead;
    config.attentionBias = options.architecture == "qwen2";
    config.eosTokens = {2};
    return config;
}

std::shared_ptr<Model> modelOf(const TinyOptions& options) {
    auto model = std::make_shared<Model>();
    model->name = "tiny";
    model->config = configOf(options);
    const std::filesystem::path tokenizer =
        std::filesystem::path(CALDERA_SOURCE_DIR) / "resources/demo-model/tokenizer.json";
    model->tokenizer = Tokenizer::fromJson(readJsonFile(tokenizer, "test"), tokenizer.string());
    model->chat = {ChatFormat::ChatMl, "You are small."};
    model->fingerprint = std::string(64, 'f');
    return model;
}

std::filesystem::path freshFolder() {
    static std::atomic<int> count{0};
    return std::filesystem::temp_directory_path() /
           ("caldera-tiny-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
}

std::vector<float> tableRow(const ArtifactTable& table, int64_t row) {
    std::vector<float> values;
    const ArtifactTable one = table.row(row);
    for (size_t c = 0; c < static_cast<size_t>(table.shape.columns); ++c) {
        if (table.bits == 16) {
            values.push_back(bf16ToFloat(reinterpret_cast<const uint16_t*>(one.codes.data())[c]));
        } else if (table.bits == 8) {
            values.push_back(static_cast<float>(static_cast<int8_t>(one.codes[c])) *
                             fp16ToFloat(one.scale[0]));
        } else {
            const int number = static_cast<int>(one.codes[c / 2]) >> (c % 2 * 4) & 15;
            values.push_back(static_cast<float>(number - 8) * fp16ToFloat(one.scale[c / 64]));
        }
    }
    return values;
}

double dot(const float* a, const float* b, size_t size) {
    double sum = 0;
    for (size_t i = 0; i < size; ++i) {
        sum += static_cast<double>(a[i]) * b[i];
    }
    return sum;
}

} // namespace

std::vector<std::pair<std::string, CellOverride>> mixedCodes() {
    CellOverride key;
    key.bits = 3;
    key.rank = 16;
    CellOverride value;
    value.codec = "e8p";
    value.bits = 2;
    value.rank = 0;
    CellOverride up;
    up.bits = 4;
    return {{"*.k_proj", key}, {"*.v_proj", value}, {"*.up_proj", up}};
}

TinyModel::TinyModel(const TinyOptions& options)
    : folder_(freshFolder()), model_(modelOf(options)) {
    std::mt19937 random(options.seed);
    Plan plan;
    plan.model = "tiny";
    plan.defaults.rank = options.isWide ? 64 : 16;
    plan.defaults.codec = options.codec;
    plan.defaults.bits = options.bits;
    plan.skipLayers = options.skipped;
    plan.patternOverrides = options.overrides;
    plan.embeddingBits = options.embeddingBits;
    plan.headBits = options.headBits;
    addWeights(random);
    addCells(plan, random);
    model_->weights = std::make_shared<MemoryWeights>(weights_, model_->config.hiddenSize);
    ArtifactRequest request;
    request.model = model_;
    request.plan = plan;
    request.folder = folder_;
    request.load = [this](Cell cell) { return cells_.at(cell).cell(); };
    for (const auto& [cell, packed] : cells_) {
        const CellSettings settings = plan.settingsOf(cell);
        for (const std::string& codec : {settings.codecId(), settings.leftCodecId()}) {
            request.codecTables[codec] = codecTableHash(codec);
        }
    }
    writeArtifact(request);
    artifact_ = Artifact::open(folder_);
}

TinyModel::~TinyModel() {
    artifact_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void TinyModel::addWeights(std::mt19937& random) {
    const ModelConfig& config = model_->config;
    const auto norm = [&](const std::string& name) {
        weights_[name] = randomVector(config.hiddenSize, random, 0.2F);
        for (float& value : weights_[name]) {
            value += 1;
        }
    };
    const int64_t tableSize = static_cast<int64_t>(config.vocabSize) * config.hiddenSize;
    weights_["model.embed_tokens.weight"] = randomVector(tableSize, random);
    if (!config.tiedEmbeddings) {
        weights_["lm_head.weight"] = randomVector(tableSize, random, 0.3F);
    }
    norm("model.norm.weight");
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer);
        norm(prefix + ".input_layernorm.weight");
        norm(prefix + ".post_attention_layernorm.weight");
        for (const Module module : {Module::QProj, Module::KProj, Module::VProj}) {
            if (config.attentionBias) {
                weights_[cellName({layer, module}) + ".bias"] =
                    randomVector(config.shapeOf(module).rows, random);
            }
        }
    }
}

void TinyModel::addCells(const Plan& plan, std::mt19937& random) {
    const ModelConfig& config = model_->config;
    std::map<std::string, std::vector<uint16_t>> signs; // by input group
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const MatrixShape shape = config.shapeOf(module);
            if (plan.settingsOf(cell).skip) {
                const float deviation = 1.0F / std::sqrt(static_cast<float>(shape.columns));
                Matrix weight = randomVector(shape.size(), random, deviation);
                for (float& value : weight) {
                    value = bf16ToFloat(floatToBf16(value));
                }
                weights_[cellName(cell) + ".weight"] = weight;
                dense_[cell] = weight;
                continue;
            }
            const CellSettings settings = plan.settingsOf(cell);
            PackedCell packed(shape, settings.rank, "hadamard-128", random, settings.codecId(),
                              settings.leftCodecId());
            packed.setCell(cell);
            const std::string group = inputGroupPrefix(layer, inputGroupOf(module));
            packed.setInSign(signs.emplace(group, packed.cell().inSign).first->second);
            dense_[cell] = packed.dense();
            cells_.emplace(cell, std::move(packed));
        }
    }
}

TinyModel::Matrix TinyModel::linear(Cell cell, const Matrix& x) const {
    const MatrixShape shape = model_->config.shapeOf(cell.module);
    const auto bias = weights_.find(cellName(cell) + ".bias");
    Matrix y;
    for (int64_t row = 0; row < shape.rows; ++row) {
        double sum = dot(dense_.at(cell).data() + row * shape.columns, x.data(), x.size());
        sum += bias == weights_.end() ? 0 : bias->second[static_cast<size_t>(row)];
        y.push_back(static_cast<float>(sum));
    }
    return y;
}

TinyModel::Matrix TinyModel::normed(const std::string& name, const Matrix& x) const {
    const double scale =
        1 / std::sqrt(dot(x.data(), x.data(), x.size()) / static_cast<double>(x.size()) +
                      model_->config.rmsNormEpsilon);
    const Matrix& weight = weights_.at(name);
    Matrix y;
    for (size_t i = 0; i < x.size(); ++i) {
        y.push_back(static_cast<float>(x[i] * scale * weight[i]));
    }
    return y;
}

void TinyModel::rotate(float* head, int position) const {
    const ModelConfig& config = model_->config;
    const int half = config.headSize / 2;
    for (int i = 0; i < half; ++i) {
        double frequency = std::pow(config.ropeTheta, -2.0 * i / config.headSize);
        if (const auto& scaling = config.ropeScaling) {
            const double turns = scaling->originalMaxPositions * frequency / 2 / std::numbers::pi;
            const double kept =
                std::clamp((turns - scaling->lowFrequencyFactor) /
                               (scaling->highFrequencyFactor - scaling->lowFrequencyFactor),
                           0.0, 1.0);
            frequency *= kept + (1 - kept) / scaling->factor;
        }
        const double angle = position * frequency;
        const double a = head[i];
        const double b = head[i + half];
        head[i] = static_cast<float>(a * std::cos(angle) - b * std::sin(angle));
        head[i + half] = static_cast<float>(b * std::cos(angle) + a * std::sin(angle));
    }
}

void TinyModel::attend(int layer, std::vector<Matrix>& hidden) const {
    const ModelConfig& config = model_->config;
    const auto size = static_cast<size_t>(config.headSize);
    const std::string norm = "model.layers." + std::to_string(layer) + ".input_layernorm.weight";
    std::vector<Matrix> keys;
    std::vector<Matrix> values;
    for (size_t t = 0; t < hidden.size(); ++t) {
        const Matrix x = normed(norm, hidden[t]);
        Matrix q = linear({layer, Module::QProj}, x);
        keys.push_back(linear({layer, Module::KProj}, x));
        values.push_back(linear({layer, Module::VProj}, x));
        for (size_t head = 0; head * size < q.size(); ++head) {
            rotate(q.data() + head * size, static_cast<int>(t));
        }
        for (size_t head = 0; head * size < keys[t].size(); ++head) {
            rotate(keys[t].data() + head * size, static_cast<int>(t));
        }
        Matrix attended(q.size(), 0.0F);
        for (size_t head = 0; head * size < q.size(); ++head) {
            const size_t shared =
                head / static_cast<size_t>(config.headCount / config.kvHeadCount) * size;
            std::vector<double> weights;
            double total = 0;
            for (size_t p = 0; p <= t; ++p) {
                const double score = dot(q.data() + head * size, keys[p].data() + shared, size);
                weights.push_back(std::exp(score / std::sqrt(static_cast<double>(size))));
                total += weights.back();
            }
            for (size_t p = 0; p <= t; ++p) {
                for (size_t i = 0; i < size; ++i) {
                    attended[head * size + i] +=
                        static_cast<float>(weights[p] / total * values[p][shared + i]);
                }
            }
        }
        const Matrix change = linear({layer, Module::OProj}, attended);
        for (size_t i = 0; i < change.size(); ++i) {
            hidden[t][i] += change[i];
        }
    }
}

void TinyModel::feedForward(int layer, std::vector<Matrix>& hidden) const {
    const std::string norm =
        "model.layers." + std::to_string(layer) + ".post_attention_layernorm.weight";
    for (Matrix& row : hidden) {
        const Matrix x = normed(norm, row);
        Matrix gate = linear({layer, Module::GateProj}, x);
        const Matrix up = linear({layer, Module::UpProj}, x);
        for (size_t i = 0; i < gate.size(); ++i) {
            gate[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
        }
        const Matrix change = linear({layer, Module::DownProj}, gate);
        for (size_t i = 0; i < change.size(); ++i) {
            row[i] += change[i];
        }
    }
}

std::vector<std::vector<float>> TinyModel::logits(std::span<const Token> tokens) const {
    std::vector<Matrix> hidden;
    const ArtifactTable embedding = artifact_->embedding();
    for (const Token token : tokens) {
        hidden.push_back(tableRow(embedding, token));
    }
    for (int layer = 0; layer < model_->config.layerCount; ++layer) {
        attend(layer, hidden);
        feedForward(layer, hidden);
    }
    const ArtifactTable head = artifact_->head();
    std::vector<Matrix> result(hidden.size());
    for (int64_t row = 0; row < head.shape.rows; ++row) {
        const Matrix weight = tableRow(head, row);
        for (size_t t = 0; t < hidden.size(); ++t) {
            const Matrix x = normed("model.norm.weight", hidden[t]);
            result[t].push_back(static_cast<float>(dot(weight.data(), x.data(), x.size())));
        }
    }
    return result;
}

} // namespace caldera::test
