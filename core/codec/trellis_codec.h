// "trellis-v4k8m4" and its family: the vector trellis code (docs/formats/codecs.md).
#pragma once

#include "core/codec/codec.h"
#include "kernels/trellis/trellis.h"

namespace caldera {

class TrellisCodec : public Codec {
public:
    /// `id` is one of those that kernels::trellisCodes() lists.
    explicit TrellisCodec(const std::string& id);

    std::string id() const override { return code_.id; }
    std::string tableHash() const override;
    int blockColumns() const override { return code_.columns; }
    int blockRows() const override { return kernels::kTrellisRows; }
    double bitsPerWeight() const override { return code_.bitsPerWeight(); }
    double inputRms() const override { return code_.inputRms; }
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
    kernels::TrellisMatrix part(const CodedMatrix& q, kernels::GroupRange range) const;

    const kernels::TrellisCode& code_;
    std::vector<uint32_t> byteTable_;
};

} // namespace caldera
