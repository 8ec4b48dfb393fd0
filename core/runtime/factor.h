// L or R of a linear, multiplied from its packed codes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/codec/codec.h"
#include "kernels/dense/dense.h"
#include "kernels/lloyd/lloyd.h"

namespace caldera {

/// A matrix of decoded values; its scales are the caller's, one per rank index.
class Factor {
public:
    Factor() = default; ///< rank 0
    explicit Factor(const PackedView& packed);

    int64_t rows() const { return shape_.rows; }
    int64_t columns() const { return shape_.columns; }

    /// y[t][i] = sum over c of value[first + i][c] x[t][c], for i in [0, count). Codes in blocks
    /// want `first` to be a multiple of 16, inputs as wide as the padded columns, and room in y for
    /// whole groups of 16. `decoded` is a buffer of the calling thread.
    void multiply(int64_t first, int64_t count, const kernels::InputVectors& x,
                  const kernels::OutputVectors& y, std::vector<float>& decoded) const;

    /// Asks for the codes of some rows before they are needed, where rows lie by themselves.
    void prefetch(int64_t first, int64_t count) const;

    /// Whether multiplyIntegers() may be called.
    bool takesIntegers() const { return isFourBit_; }
    /// Rows to multiply with integers, the values too; the products are added to y.
    struct IntegerRows {
        int64_t first = 0;
        int64_t count = 0;
        int bits = 16; ///< of the values: 8 or 16
    };
    void multiplyIntegers(const IntegerRows& rows, const kernels::QuantizedBatch& x,
                          const kernels::OutputVectors& y) const;

private:
    kernels::LloydMatrix fourBitMatrix() const;
    void multiplyBlocks(int64_t first, int64_t count, const kernels::InputVectors& x,
                        const kernels::OutputVectors& y) const;
    void multiplyFromCodes(int64_t first, int64_t count, const float* x, float* y) const;

    MatrixShape shape_;
    std::span<const std::byte> codes_;
    std::shared_ptr<const FactorCodec> codec_;
    bool isFourBit_ = false;
    std::vector<float> ones_;
};

} // namespace caldera
