#include <array>

#include "core/plan/packing.h"
#include "core/plan/plan.h"

namespace caldera {

namespace {

constexpr int64_t kHalfBytes = 2;
constexpr int64_t kFloatBytes = 4;

int64_t tableBytes(const ModelConfig& config, int bits) {
    return config.vocabSize * tableRow(bits, config.hiddenSize).bytes();
}

} // namespace

int64_t cellBytes(const CellSettings& settings, MatrixShape shape) {
    if (settings.skip) {
        return shape.size() * kHalfBytes;
    }
    const CodeTensor codes = matrixCodes(settings, shape);
    const int64_t scales = codes.rows * kHalfBytes;
    const int64_t signs = shape.rows * kHalfBytes;
    int64_t factors = 0;
    if (settings.rank > 0) {
        factors = leftCodes(settings, shape).bytes() + rightCodes(settings, shape).bytes() +
                  2 * settings.rank * kHalfBytes;
    }
    return codes.bytes() + scales + signs + factors;
}

PlanSize planSize(const Plan& plan, const ModelConfig& config) {
    PlanSize size;
    int64_t weights = 0;
    for (int layer = 0; layer < config.layerCount; ++layer) {
        std::array<bool, kInputGroups.size()> compressed{};
        for (const Module module : kModules) {
            const CellSettings settings = plan.settingsOf({layer, module});
            const MatrixShape shape = config.shapeOf(module);
            size.cellBytes += cellBytes(settings, shape);
            weights += shape.size();
            compressed.at(static_cast<size_t>(inputGroupOf(module))) |= !settings.skip;
            const bool hasBias = config.attentionBias && inputGroupOf(module) == InputGroup::Qkv;
            size.otherBytes += hasBias ? shape.rows * kFloatBytes : 0;
        }
        for (const InputGroup group : kInputGroups) {
            if (compressed.at(static_cast<size_t>(group))) {
                size.cellBytes += config.inputSize(group) * kHalfBytes;
            }
        }
    }
    size.otherBytes += (2 * int64_t{config.layerCount} + 1) * config.hiddenSize * kFloatBytes;
    size.embeddingBytes = tableBytes(config, plan.embeddingBits);
    if (!config.tiedEmbeddings) {
        size.embeddingBytes += tableBytes(config, plan.headBits);
    }
    size.bitsPerWeight =
        weights > 0 ? 8 * static_cast<double>(size.cellBytes) / static_cast<double>(weights) : 0;
    return size;
}

} // namespace caldera
