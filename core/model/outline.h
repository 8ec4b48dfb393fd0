// A model without its weights: what is needed to look at one that lies on another machine, and to
// plan for it (docs/formats/model-files.md).
#pragma once

#include <filesystem>
#include <memory>

#include "core/model/model.h"

namespace caldera {

/// Whether the folder holds an outline.
bool isOutline(const std::filesystem::path& folder);

/// Writes config.json, tokenizer.json and outline.json into the folder, which is made when missing.
/// The outline of an outline is the same. Throws Error("file.*").
void writeOutline(const Model& model, const std::filesystem::path& folder);

/// With the name, the tensors and the fingerprint of the model itself; reading its weights throws
/// Error("model.outline"). Throws Error("model.outline-damaged", "model.newer", "config.*",
/// "tokenizer.*").
std::shared_ptr<const Model> openOutline(const std::filesystem::path& folder);

} // namespace caldera
