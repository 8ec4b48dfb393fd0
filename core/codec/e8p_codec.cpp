#include "core/codec/e8p_codec.h"

#include <array>
#include <cstring>
#include <vector>

#include "core/base/hash.h"

namespace caldera {
namespace {

constexpr int64_t kWidth = kernels::kE8pWidth;
constexpr size_t kGroupBytes = kRowGroup * sizeof(uint16_t); ///< one block of one row group
static_assert(kRowGroup == kernels::kE8pGroupRows);

} // namespace

std::string E8pCodec::tableHash() const {
    constexpr size_t kWords = 1U << 16;
    std::vector<uint16_t> words(kWords);
    for (size_t i = 0; i < kWords; ++i) {
        words[i] = static_cast<uint16_t>(i);
    }
    std::vector<float> values(kWords * kWidth);
    const MatrixShape shape = {kRowGroup, kWords * kWidth / kRowGroup};
    decodeRows(std::as_bytes(std::span(words)), shape, 0, kRowGroup, values);
    return sha256Hex(std::as_bytes(std::span(values)));
}

void E8pCodec::encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                           std::span<std::byte> codes, std::span<float> decoded) const {
    checkEncode(shape, position, x, codes.size(), decoded.size());
    const auto rows = static_cast<int64_t>(x.size()) / kWidth;
    std::array<uint16_t, kRowGroup> words{};
    for (int64_t row = 0; row < rows; row += kRowGroup) {
        kernels::e8pEncode(x.data() + row * kWidth, kRowGroup, words.data(),
                           decoded.data() + row * kWidth);
        std::memcpy(codes.data() + blockOffset(shape, {position.block, position.firstRow + row}),
                    words.data(), kGroupBytes);
    }
}

void E8pCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                          int64_t rowCount, std::span<float> out) const {
    checkDecode(shape, firstRow, rowCount, codes.size(), out.size());
    const int64_t blocks = padTo(shape.columns, kWidth) / kWidth;
    std::vector<uint16_t> words(blocks * kRowGroup);
    for (int64_t row = 0; row < rowCount; row += kRowGroup) {
        std::memcpy(words.data(), codes.data() + blockOffset(shape, {0, firstRow + row}),
                    blocks * kGroupBytes);
        kernels::e8pDecodeGroup(words.data(), blocks, out.data() + row * blocks * kWidth);
    }
}

kernels::E8pMatrix E8pCodec::part(const CodedMatrix& q, kernels::GroupRange range) const {
    const int64_t first = blockOffset(q.shape, {0, range.first * kRowGroup});
    return {reinterpret_cast<const uint16_t*>(q.codes.data() + first), q.scale.data() + range.first,
            range.count, padTo(q.shape.columns, kWidth) / kWidth};
}

void E8pCodec::multiply(const CodedMatrix& q, const kernels::InputBatch& batch,
                        kernels::GroupRange range) const {
    kernels::e8pGemm(part(q, range), batch, {0, range.count});
}

void E8pCodec::multiplyIntegers(const CodedMatrix& q, const kernels::QuantizedBatch& x,
                                const kernels::OutputVectors& y, kernels::GroupRange range) const {
    kernels::e8pIntegerProduct(part(q, range), x, y, {0, range.count});
}

} // namespace caldera
