#include "widgets/models/stored_matrices.h"

#include <QCoreApplication>
#include <QString>

#include "core/plan/packing.h"

namespace caldera::studio {

namespace {

struct StoredMatrices {
    Q_DECLARE_TR_FUNCTIONS(StoredMatrices)
};

std::string typeOf(const CellSettings& settings) {
    if (settings.skip) {
        return "BF16";
    }
    if (settings.rank == 0) {
        return settings.codecId();
    }
    return StoredMatrices::tr("%1, rank %2")
        .arg(QString::fromStdString(settings.codecId()))
        .arg(settings.rank)
        .toStdString();
}

/// Embeddings or head.
TensorInfo tableOf(const std::string& name, const ModelConfig& config, int bits) {
    const int64_t bytes = config.vocabSize * tableRow(bits, config.hiddenSize).bytes();
    return {name,
            bits == 16 ? "BF16" : "I" + std::to_string(bits),
            {config.vocabSize, config.hiddenSize},
            static_cast<uint64_t>(bytes)};
}

} // namespace

std::vector<TensorInfo> storedMatrices(const Plan& plan, const ModelConfig& config) {
    std::vector<TensorInfo> matrices;
    matrices.push_back(tableOf("model.embed_tokens", config, plan.embeddingBits));
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const CellSettings settings = plan.settingsOf(cell);
            const MatrixShape shape = config.shapeOf(module);
            matrices.push_back({cellName(cell),
                                typeOf(settings),
                                {shape.rows, shape.columns},
                                static_cast<uint64_t>(cellBytes(settings, shape))});
        }
    }
    if (!config.tiedEmbeddings) {
        matrices.push_back(tableOf("lm_head", config, plan.headBits));
    }
    return matrices;
}

} // namespace caldera::studio
