#include "core/codec/e8p_codec.h"

#include <array>
#include <cstring>
#include <vector>

#include "core/base/error.h"
#include "kernels/e8p/e8p.h"

namespace caldera {
namespace {

constexpr int64_t kWidth = kernels::kE8pWidth;
constexpr size_t kGroupBytes = kRowGroup * sizeof(uint16_t); ///< one block of one row group
static_assert(kRowGroup == kernels::kE8pGroupRows);

void checkRows(int64_t firstRow, int64_t rows, MatrixShape shape) {
    const int64_t paddedRows = padTo(shape.rows, kRowGroup);
    if (firstRow % kRowGroup != 0 || rows % kRowGroup != 0 || firstRow < 0 || rows < 0 ||
        firstRow + rows > paddedRows) {
        throw Error("codec.shape", "e8p-2 works on whole groups of 16 rows within " +
                                       std::to_string(paddedRows) + " rows, but was given rows " +
                                       std::to_string(firstRow) + " to " +
                                       std::to_string(firstRow + rows) + ".");
    }
}

} // namespace

void E8pCodec::checkCodeSize(size_t bytes, MatrixShape shape) const {
    const auto needed = static_cast<size_t>(codeBytes(shape));
    if (bytes != needed) {
        throw Error("codec.size",
                    "The e8p-2 codes of a " + std::to_string(shape.rows) + " x " +
                        std::to_string(shape.columns) + " matrix take " + std::to_string(needed) +
                        " bytes, but there are " + std::to_string(bytes) + ".",
                    {{"needed", std::to_string(needed)}, {"found", std::to_string(bytes)}});
    }
}

void E8pCodec::encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                           std::span<std::byte> codes, std::span<float> decoded) const {
    checkCodeSize(codes.size(), shape);
    const auto rows = static_cast<int64_t>(x.size()) / kWidth;
    checkRows(position.firstRow, rows, shape);
    const int64_t blocks = padTo(shape.columns, kWidth) / kWidth;
    if (position.block < 0 || position.block >= blocks || decoded.size() != x.size() ||
        x.size() % kWidth != 0) {
        throw Error("codec.shape",
                    "e8p-2 was asked for column block " + std::to_string(position.block) + " of " +
                        std::to_string(blocks) + " with " + std::to_string(x.size()) +
                        " values in and " + std::to_string(decoded.size()) + " out.");
    }
    std::array<uint16_t, kRowGroup> words;
    for (int64_t row = 0; row < rows; row += kRowGroup) {
        kernels::e8pEncode(x.data() + row * kWidth, kRowGroup, words.data(),
                           decoded.data() + row * kWidth);
        const int64_t group = (position.firstRow + row) / kRowGroup;
        std::memcpy(codes.data() + (group * blocks + position.block) * kGroupBytes, words.data(),
                    kGroupBytes);
    }
}

void E8pCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                          int64_t rowCount, std::span<float> out) const {
    checkCodeSize(codes.size(), shape);
    checkRows(firstRow, rowCount, shape);
    const int64_t blocks = padTo(shape.columns, kWidth) / kWidth;
    if (static_cast<int64_t>(out.size()) != rowCount * blocks * kWidth) {
        throw Error("codec.shape", "e8p-2 decodes " + std::to_string(rowCount * blocks * kWidth) +
                                       " values, but there is room for " +
                                       std::to_string(out.size()) + ".");
    }
    std::vector<uint16_t> words(blocks * kRowGroup);
    for (int64_t row = 0; row < rowCount; row += kRowGroup) {
        const int64_t group = (firstRow + row) / kRowGroup;
        std::memcpy(words.data(), codes.data() + group * blocks * kGroupBytes,
                    blocks * kGroupBytes);
        kernels::e8pDecodeGroup(words.data(), blocks, out.data() + row * blocks * kWidth);
    }
}

} // namespace caldera
