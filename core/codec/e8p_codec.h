// "e8p-2": the E8P12 lattice code, two bits a weight (docs/formats/codecs.md).
#pragma once

#include "core/codec/codec.h"
#include "kernels/e8p/e8p.h"

namespace caldera {

class E8pCodec : public Codec {
public:
    std::string id() const override { return "e8p-2"; }
    std::string tableHash() const override;
    int blockColumns() const override { return 8; }
    int blockRows() const override { return 1; }
    double bitsPerWeight() const override { return 2; }
    double inputRms() const override { return 1.03; }
    void encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                     std::span<std::byte> codes, std::span<float> decoded) const override;
    void decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                    int64_t rowCount, std::span<float> out) const override;
    void multiply(const CodedMatrix& q, const kernels::InputBatch& batch,
                  kernels::GroupRange range) const override;
    bool takesIntegers() const override { return true; }
    void multiplyIntegers(const CodedMatrix& q, const kernels::QuantizedBatch& x,
                          const kernels::OutputVectors& y,
                          kernels::GroupRange range) const override;

private:
    /// The groups of the range alone.
    kernels::E8pMatrix part(const CodedMatrix& q, kernels::GroupRange range) const;
};

} // namespace caldera
