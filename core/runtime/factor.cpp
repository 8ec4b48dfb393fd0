#include "core/runtime/factor.h"

#include <algorithm>

namespace caldera {

Factor::Factor(const PackedView& packed)
    : shape_(packed.shape), codes_(packed.codes), codec_(makeFactorCodec(packed.codec)),
      isFourBit_(packed.codec == "lloyd-4"),
      ones_(static_cast<size_t>(padTo(shape_.rows, kRowGroup)), 1.0F) {}

void Factor::multiply(int64_t first, int64_t count, const kernels::InputVectors& x,
                      const kernels::OutputVectors& y, std::vector<float>& decoded) const {
    if (codec_->blocks() != nullptr) {
        multiplyBlocks(first, count, x, y);
        return;
    }
    if (isFourBit_ && x.count == 1) {
        multiplyFromCodes(first, count, x.values, y.values);
        return;
    }
    const auto rowBytes = static_cast<size_t>(codec_->codeBytes({1, columns()}));
    const auto values = static_cast<size_t>(count * columns());
    decoded.resize(std::max(decoded.size(), values));
    codec_->decode(codes_.subspan(static_cast<size_t>(first) * rowBytes,
                                  static_cast<size_t>(count) * rowBytes),
                   {count, columns()}, std::span(decoded).first(values));
    kernels::multiply(kernels::RowBlock<float>{decoded.data(), count, columns(), columns()}, x, y);
}

void Factor::multiplyBlocks(int64_t first, int64_t count, const kernels::InputVectors& x,
                            const kernels::OutputVectors& y) const {
    const int64_t groups = padTo(count, kRowGroup) / kRowGroup;
    for (int64_t t = 0; t < x.count; ++t) {
        std::fill_n(y.values + t * y.stride, groups * kRowGroup, 0.0F);
    }
    codec_->blocks()->multiply({codes_, shape_, ones_},
                               {x.values, x.stride, y.values, y.stride, x.count},
                               {first / kRowGroup, groups});
}

kernels::LloydMatrix Factor::fourBitMatrix() const {
    return {reinterpret_cast<const uint8_t*>(codes_.data()), rows(), columns()};
}

void Factor::prefetch(int64_t first, int64_t count) const {
    constexpr int64_t kCacheLine = 64;
    if (!isFourBit_) {
        return;
    }
    const kernels::LloydMatrix matrix = fourBitMatrix();
    const uint8_t* codes = matrix.codes + first * matrix.rowBytes();
    for (int64_t byte = 0; byte < count * matrix.rowBytes(); byte += kCacheLine) {
        __builtin_prefetch(codes + byte);
    }
}

void Factor::multiplyFromCodes(int64_t first, int64_t count, const float* x, float* y) const {
    kernels::LloydMatrix matrix = fourBitMatrix();
    matrix.codes += first * matrix.rowBytes();
    kernels::lloydProject(matrix, ones_.data(), x, y, {0, count});
}

void Factor::multiplyIntegers(const IntegerRows& rows, const kernels::QuantizedBatch& x,
                              const kernels::OutputVectors& y) const {
    kernels::lloydIntegerProduct(fourBitMatrix(), rows.bits, x, y, {rows.first, rows.count});
}

} // namespace caldera
