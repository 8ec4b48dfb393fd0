// "none-16", fp16 numbers, and "none-0", nothing at all: what is left is L R alone
// (docs/formats/codecs.md).
#pragma once

#include "core/codec/codec.h"

namespace caldera {

/// Works on eight columns as `e8p-2` does, and needs no table.
class PlainCodec : public Codec {
public:
    std::string tableHash() const override;
    int blockColumns() const override { return 8; }
    int blockRows() const override { return 1; }
    double inputRms() const override { return 1; }
};

class HalfMatrixCodec : public PlainCodec {
public:
    std::string id() const override { return "none-16"; }
    double bitsPerWeight() const override { return 16; }
    void encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                     std::span<std::byte> codes, std::span<float> decoded) const override;
    void decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                    int64_t rowCount, std::span<float> out) const override;
};

/// Every value is 0 and takes no byte.
class AbsentCodec : public PlainCodec {
public:
    std::string id() const override { return "none-0"; }
    double bitsPerWeight() const override { return 0; }
    void encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                     std::span<std::byte> codes, std::span<float> decoded) const override;
    void decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                    int64_t rowCount, std::span<float> out) const override;
    void multiply(const CodedMatrix& q, const kernels::InputBatch& batch,
                  kernels::GroupRange range) const override;
};

} // namespace caldera
