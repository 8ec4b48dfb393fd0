#include "core/codec/e8p_pair_codec.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/hash.h"
#include "core/codec/codec_tables.h"
#include "kernels/e8p/e8p.h"
#include "kernels/e8p/root_book.h"

namespace caldera {
namespace {

constexpr int64_t kWidth = kernels::kE8pWidth;
constexpr int64_t kGroupValues = kRowGroup * kWidth; ///< one block of one row group

} // namespace

std::string E8pPairCodec::tableHash() const {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(&pair_.step, 1)));
    const std::string words = codecTableHash("e8p-2");
    hash.update(words);
    if (!pair_.endsInWord()) {
        for (int entry = 0; entry < 256; ++entry) {
            hash.update(std::as_bytes(
                std::span(kernels::E8RootBook::instance().point(static_cast<uint8_t>(entry)))));
        }
    }
    return hash.hex();
}

void E8pPairCodec::encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                               std::span<std::byte> codes, std::span<float> decoded) const {
    checkEncode(shape, position, x, codes.size(), decoded.size());
    const auto rows = static_cast<int64_t>(x.size()) / kWidth;
    for (int64_t row = 0; row < rows; row += kRowGroup) {
        auto* group = reinterpret_cast<uint8_t*>(
            codes.data() + blockOffset(shape, {position.block, position.firstRow + row}));
        kernels::e8pPairEncode(pair_, x.data() + row * kWidth, kRowGroup, group,
                               decoded.data() + row * kWidth);
    }
}

void E8pPairCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                              int64_t rowCount, std::span<float> out) const {
    checkDecode(shape, firstRow, rowCount, codes.size(), out.size());
    const int64_t columns = padTo(shape.columns, kWidth);
    std::array<float, kGroupValues> values{};
    for (int64_t row = 0; row < rowCount; row += kRowGroup) {
        for (int64_t block = 0; block < columns / kWidth; ++block) {
            const auto* group = reinterpret_cast<const uint8_t*>(
                codes.data() + blockOffset(shape, {block, firstRow + row}));
            kernels::e8pPairDecode(pair_, group, kRowGroup, values.data());
            for (int64_t i = 0; i < kRowGroup; ++i) {
                std::copy_n(&values[i * kWidth], kWidth,
                            &out[(row + i) * columns + block * kWidth]);
            }
        }
    }
}

} // namespace caldera
