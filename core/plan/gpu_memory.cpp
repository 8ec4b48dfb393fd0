#include "core/plan/gpu_memory.h"

#include <array>
#include <numeric>

#include "core/plan/packing.h"
#include "core/plan/plan_cells.h"

namespace caldera {

namespace {

constexpr int64_t kHalfBytes = 2;
constexpr int64_t kFloatBytes = 4;

constexpr int64_t kAlignment = 256;

/// Columns that whole words of codes need, of Q and of a factor.
constexpr int64_t kMatrixColumns = 4;
constexpr int64_t kFactorColumns = 8;

bool isMultipliedAsStored(const CellSettings& settings, MatrixShape shape) {
    const CodecFacts* facts = findCodecFacts(settings.codec, settings.bits);
    return facts != nullptr && multipliesCodes(*facts) && shape.columns % kMatrixColumns == 0 &&
           shape.columns % facts->columns == 0;
}

int64_t factorBytes(const std::string& codecId, CodeTensor codes, MatrixShape factor) {
    const bool isNative = codecId == "lloyd-4" && factor.columns % kFactorColumns == 0;
    return isNative ? codes.bytes() : factor.size() * kHalfBytes;
}

/// Bytes of Q, its scales, output signs, L, R and their scales.
std::array<int64_t, 6> cellTensors(const CellSettings& settings, MatrixShape shape) {
    if (settings.skip) {
        return {shape.size() * kHalfBytes};
    }
    const CodeTensor codes = matrixCodes(settings, shape);
    std::array<int64_t, 6> bytes = {
        isMultipliedAsStored(settings, shape) ? codes.bytes() : shape.size() * kHalfBytes,
        codes.rows * kFloatBytes, shape.rows * kHalfBytes};
    if (settings.rank > 0) {
        bytes[3] = factorBytes(settings.leftCodecId(), leftCodes(settings, shape),
                               {shape.rows, settings.rank});
        bytes[4] = factorBytes(settings.rightCodecId(), rightCodes(settings, shape),
                               {settings.rank, shape.columns});
        bytes[5] = settings.rank * kFloatBytes;
    }
    return bytes;
}

/// Bytes of the head's rows and of their scales.
std::array<int64_t, 2> headTensors(const ModelConfig& config, int bits) {
    const TableRow row = tableRow(bits, config.hiddenSize);
    int64_t scaleBytes = row.scales * (bits == 8 ? kFloatBytes : kHalfBytes);
    if (bits == 8 && config.tiedEmbeddings) {
        scaleBytes += row.scales * kHalfBytes; // as the embedding wants them
    }
    return {config.vocabSize * row.codeBytes, config.vocabSize * scaleBytes};
}

int headBits(const Plan& plan, const ModelConfig& config) {
    return config.tiedEmbeddings ? plan.embeddingBits : plan.headBits;
}

/// Input signs, norms and biases of all layers.
int64_t smallTensorBytes(const ModelConfig& config) {
    const int64_t norm = gpuTensorBytes(config.hiddenSize * kFloatBytes);
    int64_t layer = 2 * norm;
    for (const InputGroup group : kInputGroups) {
        layer += gpuTensorBytes(config.inputSize(group) * kHalfBytes);
    }
    if (config.attentionBias) {
        for (const Module module : {Module::QProj, Module::KProj, Module::VProj}) {
            layer += gpuTensorBytes(config.shapeOf(module).rows * kFloatBytes);
        }
    }
    return config.layerCount * layer + norm;
}

/// Neighbouring layers mostly have the same settings, so a cell often takes what the one before it
/// takes.
template <class CellBytes>
int64_t sumOfCells(const PlanCells& cells, const ModelConfig& config, CellBytes bytesOf) {
    int64_t sum = 0;
    for (const Module module : kModules) {
        int64_t bytes = 0;
        for (int layer = 0; layer < config.layerCount; ++layer) {
            const CellSettings& settings = cells.settingsOf({layer, module});
            if (layer == 0 || settings != cells.settingsOf({layer - 1, module})) {
                bytes = bytesOf(settings, config.shapeOf(module));
            }
            sum += bytes;
        }
    }
    return sum;
}

int64_t weightBytes(const Plan& plan, const PlanCells& cells, const ModelConfig& config) {
    return sumOfCells(cells, config, gpuCellBytes) + gpuHeadBytes(config, headBits(plan, config)) +
           smallTensorBytes(config);
}

} // namespace

int64_t gpuCacheTokenBytes(const ModelConfig& config, int cacheBits) {
    const int64_t vectors = 2 * static_cast<int64_t>(config.layerCount) * config.kvHeadCount;
    const int64_t scaleBytes = cacheBits == 8 ? kFloatBytes : 0;
    return vectors * (static_cast<int64_t>(config.headSize) * cacheBits / 8 + scaleBytes);
}

int64_t gpuTensorBytes(int64_t bytes) {
    return padTo(bytes, kAlignment);
}

bool multipliesCodes(const CodecFacts& codec) {
    return codec.family == std::string_view("trellis") || codec.id == std::string_view("e8p-2");
}

int64_t gpuCellBytes(const CellSettings& settings, MatrixShape shape) {
    int64_t bytes = 0;
    for (const int64_t tensor : cellTensors(settings, shape)) {
        bytes += tensor > 0 ? gpuTensorBytes(tensor) : 0;
    }
    return bytes;
}

int64_t gpuCellReadBytes(const CellSettings& settings, MatrixShape shape) {
    const auto tensors = cellTensors(settings, shape);
    return std::accumulate(tensors.begin(), tensors.end(), int64_t{0});
}

int64_t gpuHeadBytes(const ModelConfig& config, int bits) {
    const auto [rows, scales] = headTensors(config, bits);
    return gpuTensorBytes(rows) + gpuTensorBytes(scales);
}

int64_t gpuHeadReadBytes(const ModelConfig& config, int bits) {
    const auto [rows, scales] = headTensors(config, bits);
    return rows + scales;
}

int64_t gpuWeightBytes(const Plan& plan, const ModelConfig& config) {
    return weightBytes(plan, PlanCells(plan, config), config);
}

GpuMemory gpuMemory(const Plan& plan, const ModelConfig& config, const GpuLoad& load,
                    int cacheBits) {
    return gpuMemory(plan, PlanCells(plan, config), config, load, cacheBits);
}

GpuMemory gpuMemory(const Plan& plan, const PlanCells& cells, const ModelConfig& config,
                    const GpuLoad& load, int cacheBits) {
    GpuMemory memory;
    memory.weightBytes = weightBytes(plan, cells, config);
    memory.cacheBytes = load.chats * padTo(load.contextLength, kCachePageTokens) *
                        gpuCacheTokenBytes(config, cacheBits);
    memory.workspaceBytes = gpuWorkspaceBytes(cells, config, load);
    return memory;
}

int64_t gpuStepBytes(const Plan& plan, const ModelConfig& config, const GpuLoad& load,
                     int cacheBits) {
    return gpuStepBytes(plan, PlanCells(plan, config), config, load, cacheBits);
}

int64_t gpuStepBytes(const Plan& plan, const PlanCells& cells, const ModelConfig& config,
                     const GpuLoad& load, int cacheBits) {
    return sumOfCells(cells, config, gpuCellReadBytes) +
           gpuHeadReadBytes(config, headBits(plan, config)) + smallTensorBytes(config) +
           load.contextLength * gpuCacheTokenBytes(config, cacheBits);
}

} // namespace caldera
