// "scalar-4g64", "nf-4g64" and their like: scalars in groups with scales of their own
// (docs/formats/codecs.md).
#pragma once

#include "core/codec/codec.h"
#include "core/codec/scalar_code.h"

namespace caldera {

class ScalarCodec : public Codec {
public:
    /// `code` is one of those that scalarCode() finds.
    explicit ScalarCodec(const ScalarCode& code) : code_(code) {}

    std::string id() const override { return code_.id; }
    std::string tableHash() const override;
    int blockColumns() const override { return kScalarGroup; }
    int blockRows() const override { return 1; }
    double bitsPerWeight() const override { return code_.bitsPerWeight(); }
    double inputRms() const override { return 1; }
    bool usesMetric() const override { return true; }
    void encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                     std::span<std::byte> codes, std::span<float> decoded) const override;
    void encodeWeighed(const WeighedBlock& block, MatrixShape shape, BlockPosition position,
                       std::span<std::byte> codes, std::span<float> decoded) const override;
    void decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                    int64_t rowCount, std::span<float> out) const override;

private:
    const ScalarCode& code_;
};

} // namespace caldera
