#include "core/codec/scalar_codec.h"

#include <algorithm>
#include <array>

#include "core/base/hash.h"

namespace caldera {

std::string ScalarCodec::tableHash() const {
    return sha256Hex(std::as_bytes(code_.levels));
}

void ScalarCodec::encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                              std::span<std::byte> codes, std::span<float> decoded) const {
    encodeWeighed({x, {}}, shape, position, codes, decoded);
}

void ScalarCodec::encodeWeighed(const WeighedBlock& block, MatrixShape shape,
                                BlockPosition position, std::span<std::byte> codes,
                                std::span<float> decoded) const {
    checkEncode(shape, position, block.x, codes.size(), decoded.size());
    const auto rows = static_cast<int64_t>(block.x.size()) / kScalarGroup;
    const float* cholesky = block.cholesky.empty() ? nullptr : block.cholesky.data();
    // The blocks of a group of 16 rows lie together.
    for (int64_t row = 0; row < rows; row += kRowGroup) {
        auto* to = reinterpret_cast<uint8_t*>(
            codes.data() + blockOffset(shape, {position.block, position.firstRow + row}));
        scalarEncode(code_, block.x.data() + row * kScalarGroup, kRowGroup, cholesky, to,
                     decoded.data() + row * kScalarGroup);
    }
}

void ScalarCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                             int64_t rowCount, std::span<float> out) const {
    checkDecode(shape, firstRow, rowCount, codes.size(), out.size());
    const int64_t columns = padTo(shape.columns, kScalarGroup);
    for (int64_t row = 0; row < rowCount; ++row) {
        for (int64_t block = 0; block < columns / kScalarGroup; ++block) {
            const auto* from = reinterpret_cast<const uint8_t*>(
                codes.data() + blockOffset(shape, {block, firstRow + row}));
            scalarDecode(code_, from, 1, out.data() + row * columns + block * kScalarGroup);
        }
    }
}

} // namespace caldera
