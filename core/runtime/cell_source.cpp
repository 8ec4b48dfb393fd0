#include "core/runtime/cell_source.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/codec/codec_tables.h"
#include "core/model/model.h"

namespace caldera {

namespace {

class ArtifactSource : public CellSource {
public:
    explicit ArtifactSource(std::shared_ptr<const Artifact> artifact)
        : artifact_(std::move(artifact)) {
        checkCodecTables(artifact_->codecTables(), artifact_->name());
    }
    std::shared_ptr<const SourceCell> cell(Cell cell) const override {
        return std::make_shared<const SourceCell>(SourceCell{artifact_->cell(cell), 0, artifact_});
    }

private:
    std::shared_ptr<const Artifact> artifact_;
};

class ModelSource : public CellSource {
public:
    explicit ModelSource(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

    std::shared_ptr<const SourceCell> cell(Cell cell) const override {
        const std::string name = cellName(cell);
        const MatrixShape shape = model_->config.shapeOf(cell.module);
        const auto weights = std::make_shared<std::vector<uint16_t>>();
        weights->reserve(static_cast<size_t>(shape.size()));
        std::vector<float> rows(static_cast<size_t>(kRowGroup * shape.columns));
        for (int64_t first = 0; first < shape.rows; first += kRowGroup) {
            const int64_t count = std::min(kRowGroup, shape.rows - first);
            const auto part = std::span(rows).first(static_cast<size_t>(count * shape.columns));
            model_->weights->readRows(name + ".weight", first, count, part);
            std::transform(part.begin(), part.end(), std::back_inserter(*weights), floatToBf16);
        }
        SourceCell result;
        result.cell.cell = cell;
        result.cell.q.shape = shape;
        result.cell.dense = *weights;
        if (model_->weights->find(name + ".bias") != nullptr) {
            result.cell.bias = model_->weights->read(name + ".bias");
        }
        result.bytes = static_cast<int64_t>(weights->size() * sizeof(uint16_t));
        result.keeps = weights;
        return std::make_shared<const SourceCell>(std::move(result));
    }

private:
    std::shared_ptr<const Model> model_;
};

void requireSameShape(const ModelConfig& config, const Artifact& artifact, const std::string& path,
                      const char* code) {
    const ModelConfig& own = artifact.config();
    const bool isSame = config.layerCount == own.layerCount &&
                        std::all_of(kModules.begin(), kModules.end(), [&](Module module) {
                            return config.shapeOf(module) == own.shapeOf(module);
                        });
    if (!isSame) {
        throw Error(code,
                    path + " has other layers or widths than " + artifact.name() +
                        ", so its cells cannot stand in their place. Give the model "
                        "that the artifact was made from, or another artifact of it.",
                    {{"path", path}});
    }
}

} // namespace

void requireOriginal(const Model& model, const Artifact& artifact, const std::string& path,
                     const ModelAsked& asked) {
    requireSameShape(model.config, artifact, path, asked.code);
    if (model.fingerprint != artifact.modelFingerprint()) {
        throw Error(asked.code,
                    path + " is not the model that " + artifact.name() +
                        " was made from; its weights differ. Give that one with " + asked.option +
                        ".",
                    {{"path", path}});
    }
}

std::unique_ptr<CellSource> openCellSource(const std::filesystem::path& path,
                                           const Artifact& artifact) {
    if (isArtifact(path)) {
        auto other = Artifact::open(path);
        requireSameShape(other->config(), artifact, path.string(), ModelAsked().code);
        return std::make_unique<ArtifactSource>(std::move(other));
    }
    auto model = openModel(path);
    requireOriginal(*model, artifact, path.string());
    return std::make_unique<ModelSource>(std::move(model));
}

} // namespace caldera
