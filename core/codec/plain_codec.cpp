#include "core/codec/plain_codec.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/codec/fp16_range.h"

namespace caldera {

std::string PlainCodec::tableHash() const {
    return sha256Hex(std::span<const std::byte>());
}

void HalfMatrixCodec::encodeBlock(std::span<const float> x, MatrixShape shape,
                                  BlockPosition position, std::span<std::byte> codes,
                                  std::span<float> decoded) const {
    checkEncode(shape, position, x, codes.size(), decoded.size());
    const int64_t width = blockColumns();
    for (int64_t row = 0; row * width < static_cast<int64_t>(x.size()); ++row) {
        std::byte* to =
            codes.data() + blockOffset(shape, {position.block, position.firstRow + row});
        for (int64_t j = 0; j < width; ++j) {
            decoded[row * width + j] = storeFp16(x[row * width + j], to + j * kFp16Bytes);
        }
    }
}

void HalfMatrixCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape,
                                 int64_t firstRow, int64_t rowCount, std::span<float> out) const {
    checkDecode(shape, firstRow, rowCount, codes.size(), out.size());
    const int64_t width = blockColumns();
    const int64_t columns = padTo(shape.columns, width);
    for (int64_t row = 0; row < rowCount; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
            const std::byte* block =
                codes.data() + blockOffset(shape, {column / width, firstRow + row});
            out[row * columns + column] = loadFp16(block + column % width * kFp16Bytes);
        }
    }
}

void AbsentCodec::encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                              std::span<std::byte> codes, std::span<float> decoded) const {
    checkEncode(shape, position, x, codes.size(), decoded.size());
    std::fill(decoded.begin(), decoded.end(), 0.0F);
}

void AbsentCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                             int64_t rowCount, std::span<float> out) const {
    checkDecode(shape, firstRow, rowCount, codes.size(), out.size());
    std::fill(out.begin(), out.end(), 0.0F);
}

void AbsentCodec::multiply(const CodedMatrix&, const kernels::InputBatch&,
                           kernels::GroupRange) const {}

} // namespace caldera
