// The weight source behind every reader of this folder: tensors inside memory-mapped files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/model/module.h"
#include "core/model/weight_source.h"

namespace caldera {

/// One tensor as it lies in a mapped file.
struct MappedTensor {
    TensorInfo info;
    std::span<const std::byte> bytes;
    std::string file; ///< for messages
    /// Rows of one attention head when the file holds them in llama.cpp's interleaved rotary order
    /// (row 2i is Hugging Face's i, row 2i + 1 its i + half); 0 when rows are in order.
    int64_t interleavedHeadSize = 0;
};

/// Immutable. `owner` keeps the maps alive that the tensors point into.
class MappedWeights final : public WeightSource {
public:
    MappedWeights(std::vector<MappedTensor> tensors, std::shared_ptr<const void> owner);

    const std::vector<TensorInfo>& tensors() const override { return infos_; }
    const TensorInfo* find(const std::string& name) const override;
    void readRows(const std::string& name, int64_t first, int64_t count,
                  std::span<float> out) const override;

    /// The bytes as stored. Throws Error("model.tensor-missing").
    std::span<const std::byte> storedBytes(const std::string& name) const;

private:
    const MappedTensor& at(const std::string& name) const;

    std::vector<MappedTensor> tensors_;
    std::vector<TensorInfo> infos_;
    std::unordered_map<std::string, size_t> index_;
    std::shared_ptr<const void> owner_;
};

/// openSafetensorsWeights, with access to the stored bytes.
std::shared_ptr<const MappedWeights> mapSafetensors(const std::filesystem::path& folder);

} // namespace caldera
