#include "core/codec/trellis_codec.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace caldera {
namespace {

static_assert(kRowGroup == kernels::kTrellisRows);

const kernels::TrellisCode& codeOf(const std::string& id) {
    const kernels::TrellisCode* code = kernels::trellisCode(id);
    if (code == nullptr) {
        throw Error("codec.unknown", "There is no trellis code \"" + id + "\".", {{"codec", id}});
    }
    return *code;
}

const uint8_t* bytesOf(std::span<const std::byte> codes) {
    return reinterpret_cast<const uint8_t*>(codes.data());
}

} // namespace

TrellisCodec::TrellisCodec(const std::string& id)
    : code_(codeOf(id)), byteTable_(kernels::trellisByteTable(code_)) {}

std::string TrellisCodec::tableHash() const {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(&code_.step, 1)));
    hash.update(std::as_bytes(code_.table));
    return hash.hex();
}

void TrellisCodec::encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                               std::span<std::byte> codes, std::span<float> decoded) const {
    checkEncode(shape, position, x, codes.size(), decoded.size());
    const auto groups = static_cast<int64_t>(x.size()) / (kRowGroup * code_.columns);
    const auto bytes = static_cast<size_t>(code_.groupBytes());
    std::vector<uint8_t> packed(static_cast<size_t>(groups) * bytes);
    kernels::trellisEncode(code_, x.data(), groups, packed.data(), decoded.data());
    for (int64_t group = 0; group < groups; ++group) {
        const int64_t to =
            blockOffset(shape, {position.block, position.firstRow + group * kRowGroup});
        std::copy_n(packed.data() + static_cast<size_t>(group) * bytes, bytes,
                    reinterpret_cast<uint8_t*>(codes.data()) + to);
    }
}

void TrellisCodec::decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                              int64_t rowCount, std::span<float> out) const {
    checkDecode(shape, firstRow, rowCount, codes.size(), out.size());
    const int64_t columns = padTo(shape.columns, code_.columns);
    for (int64_t row = 0; row < rowCount; row += kRowGroup) {
        kernels::trellisDecodeRows(code_, bytesOf(codes) + blockOffset(shape, {0, firstRow + row}),
                                   columns / code_.columns, out.data() + row * columns);
    }
}

kernels::TrellisMatrix TrellisCodec::part(const CodedMatrix& q, kernels::GroupRange range) const {
    return {&code_, bytesOf(q.codes) + blockOffset(q.shape, {0, range.first * kRowGroup}),
            q.scale.data() + range.first, range.count,
            padTo(q.shape.columns, code_.columns) / code_.columns};
}

void TrellisCodec::multiply(const CodedMatrix& q, const kernels::InputBatch& batch,
                            kernels::GroupRange range) const {
    kernels::trellisGemm(part(q, range), batch, {0, range.count});
}

void TrellisCodec::multiplyIntegers(const CodedMatrix& q, const kernels::QuantizedBatch& x,
                                    const kernels::OutputVectors& y,
                                    kernels::GroupRange range) const {
    kernels::trellisIntegerProduct(part(q, range), byteTable_.data(), x, y, {0, range.count});
}

} // namespace caldera
