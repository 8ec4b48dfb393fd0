// "e8p-3" and "e8p-4": E8P and a second code for what it leaves (docs/formats/codecs.md).
#pragma once

#include "core/codec/codec.h"
#include "kernels/e8p/e8p_pair.h"

namespace caldera {

class E8pPairCodec : public Codec {
public:
    /// `pair` is one of those that kernels::e8pPair() finds.
    explicit E8pPairCodec(const kernels::E8pPair& pair) : pair_(pair) {}

    std::string id() const override { return pair_.id; }
    std::string tableHash() const override;
    int blockColumns() const override { return 8; }
    int blockRows() const override { return 1; }
    double bitsPerWeight() const override { return pair_.bitsPerWeight(); }
    double inputRms() const override { return pair_.inputRms; }
    void encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                     std::span<std::byte> codes, std::span<float> decoded) const override;
    void decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                    int64_t rowCount, std::span<float> out) const override;

private:
    const kernels::E8pPair& pair_;
};

} // namespace caldera
