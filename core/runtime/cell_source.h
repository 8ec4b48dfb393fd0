// Where cells come from that stand in the place of an artifact's own: another artifact of the same
// model, or the model itself.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/artifact/artifact.h"
#include "core/model/model.h"

namespace caldera {

/// A cell, and what its bytes lie in.
struct SourceCell {
    ArtifactCell cell;
    int64_t bytes = 0; ///< of memory that it holds itself, not a file's
    std::shared_ptr<const void> keeps;
};

/// A cell of an engine gets these weights; null: the artifact's own again.
struct CellSwap {
    Cell cell;
    std::shared_ptr<const SourceCell> with;
};

class CellSource {
public:
    virtual ~CellSource() = default;
    /// An original's weights are rounded to bf16, and read as a whole. Throws what reading throws.
    virtual std::shared_ptr<const SourceCell> cell(Cell cell) const = 0;
};

/// Who asks for a model, for the words of a refusal.
struct ModelAsked {
    const char* code = "swap.model";
    const char* option = "--original"; ///< that names it
};

/// Throws Error(asked.code) unless the artifact was made from the model, which `path` names.
void requireOriginal(const Model& model, const Artifact& artifact, const std::string& path,
                     const ModelAsked& asked = {});

/// Opens an artifact, or a model. Throws what opening throws, Error("swap.model") when it is not of
/// the same shape as `artifact`, and when a model is not the one that `artifact` was made from.
std::unique_ptr<CellSource> openCellSource(const std::filesystem::path& path,
                                           const Artifact& artifact);

} // namespace caldera
