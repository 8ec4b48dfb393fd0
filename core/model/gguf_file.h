// The GGUF v3 container: metadata and tensor table, checked against the file's real size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/model/gguf_dequantize.h"

namespace caldera {

/// A metadata value, still in the map. Reading it as something else than it is gives nullopt.
class GgufValue {
public:
    enum class Type : uint32_t {
        U8,
        I8,
        U16,
        I16,
        U32,
        I32,
        F32,
        Bool,
        String,
        Array,
        U64,
        I64,
        F64
    };

    GgufValue(Type type, std::span<const std::byte> bytes) : type_(type), bytes_(bytes) {}

    std::optional<int64_t> integer() const;
    std::optional<double> number() const; ///< an f32 becomes the shortest decimal that it prints as
    std::optional<bool> boolean() const;
    std::optional<std::string> text() const; ///< valid UTF-8 only
    std::optional<std::vector<std::string>> texts() const;
    std::optional<std::vector<int64_t>> integers() const;

private:
    Type type_;
    std::span<const std::byte> bytes_;
};

struct GgufTensor {
    std::string name;
    GgufType type = GgufType::F32;
    std::vector<int64_t> shape; ///< rows first (the file has them the other way round)
    std::span<const std::byte> bytes;
};

/// One mapped file. Throws Error("gguf.magic", "gguf.version", "gguf.truncated", "gguf.header",
/// "gguf.type", "gguf.shape", "gguf.offset", "gguf.overlap"). Counts that the file claims never
/// decide how much memory is taken.
class GgufFile {
public:
    explicit GgufFile(const std::filesystem::path& path);

    const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
    const std::vector<GgufTensor>& tensors() const { return tensors_; }
    const std::filesystem::path& path() const { return file_.path(); }

private:
    MappedFile file_;
    std::map<std::string, GgufValue> metadata_;
    std::vector<GgufTensor> tensors_;
};

} // namespace caldera
