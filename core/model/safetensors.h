// The safetensors container: header length, JSON header, data.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/model/weight_source.h"

namespace caldera {

/// Bytes of one tensor inside a mapped file.
struct TensorView {
    std::string dtype; ///< "F32", "F16", "BF16", "U8", "I8", "U16", "I32", "I64", ...
    std::vector<int64_t> shape;
    std::span<const std::byte> bytes;
};

/// One mapped .safetensors file. The constructor checks header length, JSON, dtypes, shapes,
/// offsets (inside the file, no overlap, size = shape x dtype). Throws Error("safetensors.*").
class SafetensorsFile {
public:
    explicit SafetensorsFile(const std::filesystem::path& path);

    const std::map<std::string, TensorView>& tensors() const { return tensors_; }
    const std::map<std::string, std::string>& metadata() const { return metadata_; }
    /// Throws Error("safetensors.tensor-missing").
    const TensorView& at(const std::string& name) const;
    const std::filesystem::path& path() const { return file_.path(); }

private:
    MappedFile file_;
    std::map<std::string, TensorView> tensors_;
    std::map<std::string, std::string> metadata_;
};

/// Model weights in one or several safetensors files (index.json understood).
std::shared_ptr<const WeightSource> openSafetensorsWeights(const std::filesystem::path& folder);

/// Converts stored elements ("F32", "F16", "BF16", "F64", "U8", "I8") to f32; sizes must agree.
void convertToFloat(const std::string& dtype, std::span<const std::byte> bytes,
                    std::span<float> out);

/// Writes one file atomically: tensors in the order added, each padded to 64 bytes.
class SafetensorsWriter {
public:
    /// The bytes are copied. Throws Error("safetensors.duplicate") on a repeated name.
    void add(std::string name, std::string dtype, std::vector<int64_t> shape,
             std::span<const std::byte> bytes);
    void setMetadata(std::string key, std::string value);
    uint64_t byteCount() const; ///< of the data section so far
    void write(const std::filesystem::path& path) const;

private:
    struct Entry {
        std::string name;
        std::string dtype;
        std::vector<int64_t> shape;
        std::vector<std::byte> bytes;
    };
    std::vector<Entry> entries_;
    std::map<std::string, std::string> metadata_;
};

} // namespace caldera
