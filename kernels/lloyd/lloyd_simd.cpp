#include "kernels/lloyd/lloyd.h"

#include <array>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lloyd/lloyd_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using EightTag = hn::CappedTag<float, 8>;
constexpr int kEightLanes = static_cast<int>(hn::MaxLanes(EightTag()));
constexpr int kParts = 8 / kEightLanes;

/// Four bytes of codes to eight level values.
class Decoder {
#if HWY_MAX_BYTES >= 32
    using EightBits = hn::RebindToSigned<EightTag>;

public:
    Decoder()
        : low_(hn::LoadU(EightTag(), lloydLevels(4).data())),
          high_(hn::LoadU(EightTag(), lloydLevels(4).data() + 8)),
          shifts_(hn::Mul(hn::Iota(EightBits(), 0), hn::Set(EightBits(), 4))) {}

    HWY_INLINE hn::Vec<EightTag> values(const uint8_t* codes, int /*part*/) const {
        const EightBits di;
        int32_t word = 0;
        std::memcpy(&word, codes, sizeof word);
        const auto number = hn::Shr(hn::Set(di, word), shifts_);
        const auto lane = hn::IndicesFromVec(EightTag(), hn::And(number, hn::Set(di, 7)));
        const auto isHigh = hn::TestBit(number, hn::Set(di, 8));
        return hn::IfThenElse(hn::RebindMask(EightTag(), isHigh), hn::TableLookupLanes(high_, lane),
                              hn::TableLookupLanes(low_, lane));
    }

private:
    hn::Vec<EightTag> low_;
    hn::Vec<EightTag> high_;
    hn::Vec<EightBits> shifts_;
#else
public:
    HWY_INLINE hn::Vec<EightTag> values(const uint8_t* codes, int part) const {
        alignas(16) std::array<float, kEightLanes> eight;
        for (int i = 0; i < kEightLanes; ++i) {
            const int c = part * kEightLanes + i;
            eight[i] = levels_[(codes[c / 2] >> (c % 2 * 4)) & 0xF];
        }
        return hn::Load(EightTag(), eight.data());
    }

private:
    const float* levels_ = lloydLevels(4).data();
#endif
};

/// Sums of kRows neighbouring rows times x, over the whole eights of the columns.
template <int kRows>
HWY_INLINE void multiplyRows(const Decoder& decoder, const LloydMatrix& matrix, int64_t row,
                             const float* x, float* sums) {
    const EightTag df;
    const uint8_t* codes = matrix.codes + row * matrix.rowBytes();
    hn::Vec<EightTag> total[kRows];
    for (auto& sum : total) {
        sum = hn::Zero(df);
    }
    const int64_t whole = matrix.columns / 8 * 8;
    for (int64_t c = 0; c < whole; c += 8) {
        for (int part = 0; part < kParts; ++part) {
            const auto input = hn::LoadU(df, x + c + part * kEightLanes);
            for (int r = 0; r < kRows; ++r) {
                const uint8_t* four = codes + r * matrix.rowBytes() + c / 2;
                total[r] = hn::MulAdd(decoder.values(four, part), input, total[r]);
            }
        }
    }
    const float* levels = lloydLevels(4).data();
    for (int r = 0; r < kRows; ++r) {
        sums[r] = hn::GetLane(hn::SumOfLanes(df, total[r]));
        for (int64_t c = whole; c < matrix.columns; ++c) {
            const int byte = codes[r * matrix.rowBytes() + c / 2];
            sums[r] += levels[(byte >> (c % 2 * 4)) & 0xF] * x[c];
        }
    }
}

void decodeRow(const LloydMatrix& matrix, int64_t row, float* values) {
    const Decoder decoder;
    const uint8_t* codes = matrix.codes + row * matrix.rowBytes();
    const int64_t whole = matrix.columns / 8 * 8;
    for (int64_t c = 0; c < whole; c += 8) {
        for (int part = 0; part < kParts; ++part) {
            hn::StoreU(decoder.values(codes + c / 2, part), EightTag(),
                       values + c + part * kEightLanes);
        }
    }
    const float* levels = lloydLevels(4).data();
    for (int64_t c = whole; c < matrix.columns; ++c) {
        values[c] = levels[(codes[c / 2] >> (c % 2 * 4)) & 0xF];
    }
}

void project(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
             RowRange range) {
    constexpr int kRows = 4;
    const Decoder decoder;
    const int64_t end = range.first + range.count;
    int64_t row = range.first;
    std::array<float, kRows> sums;
    for (; row + kRows <= end; row += kRows) {
        multiplyRows<kRows>(decoder, matrix, row, x, sums.data());
        for (int r = 0; r < kRows; ++r) {
            t[row + r] = scale[row + r] * sums[r];
        }
    }
    for (; row < end; ++row) {
        multiplyRows<1>(decoder, matrix, row, x, sums.data());
        t[row] = scale[row] * sums[0];
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(decodeRow);
HWY_EXPORT(project);

void lloydDecodeRow(const LloydMatrix& matrix, int64_t row, float* values) {
    HWY_DYNAMIC_DISPATCH(decodeRow)(matrix, row, values);
}

void lloydProject(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
                  RowRange range) {
    HWY_DYNAMIC_DISPATCH(project)(matrix, scale, x, t, range);
}

} // namespace caldera::kernels
#endif
