// GGUF v3: metadata, tensors, and the conversion of llama.cpp's names and layouts back to
// Hugging Face's (q and k rows of llama models are un-permuted).
#pragma once

#include <filesystem>
#include <memory>

#include "core/model/model.h"

namespace caldera {

/// F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K ... Q6_K. Throws Error("gguf.*"): truncated
/// file, lying counts or offsets, unknown tensor type, missing metadata key, other version.
std::shared_ptr<const Model> openGgufModel(const std::filesystem::path& path);

} // namespace caldera
