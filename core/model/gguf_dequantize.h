// The block formats of GGUF tensors and their values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace caldera {

enum class GgufType : uint32_t {
    F32 = 0,
    F16 = 1,
    Q40 = 2,
    Q41 = 3,
    Q50 = 6,
    Q51 = 7,
    Q80 = 8,
    Q2K = 10,
    Q3K = 11,
    Q4K = 12,
    Q5K = 13,
    Q6K = 14,
    BF16 = 30,
};

/// Elements and bytes of one block.
struct GgufBlock {
    int64_t elements = 1;
    int64_t bytes = 0;
};

/// "Q4_K" and so on; nullopt for a number or a name that is not supported.
std::optional<GgufType> ggufTypeFromNumber(uint32_t number);
std::optional<GgufType> parseGgufType(std::string_view name);
std::string_view ggufTypeName(GgufType type);
GgufBlock ggufBlock(GgufType type);

/// Whole blocks to f32, value for value what ggml computes. out.size() elements need to be exactly
/// what the bytes hold; throws Error("gguf.size") otherwise.
void dequantize(GgufType type, std::span<const std::byte> bytes, std::span<float> out);

} // namespace caldera
