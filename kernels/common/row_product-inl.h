// A group of 16 rows times vectors of integers, for every instruction set: included once for each
// by a file that Highway compiles for all of them. Where the weights come from is the includer's.
#if defined(CALDERA_ROW_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CALDERA_ROW_PRODUCT_INL_H
#undef CALDERA_ROW_PRODUCT_INL_H
#else
#define CALDERA_ROW_PRODUCT_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#include "kernels/activation/activation.h"
#include "kernels/common/integer_dots-inl.h"
#include "kernels/common/product.h"
#include "kernels/dense/dense.h"

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {

// Rows are the lanes of one vector or of several parts of one, and a lane holds a row's weights of
// four neighbouring columns, a step, as unsigned bytes.
//
// A Source is a group of rows:
//   columns                        of the rows
//   kTogether                      steps that it gives at once, 1 or 2
//   kBias                          a byte u stands for (2 u - kBias) / 2
//   weights<kPart>(step, out)      the bytes of `kTogether` steps; beyond the last column anything

constexpr int kLaneRows = 16;
constexpr int kStepColumns = 4;
constexpr int kBlockSteps = kQuantizedBlock / kStepColumns;

using LaneTag = hwy::HWY_NAMESPACE::CappedTag<int32_t, kLaneRows>;
using LaneFloatTag = hwy::HWY_NAMESPACE::RebindToFloat<LaneTag>;
using LaneVector = hwy::HWY_NAMESPACE::Vec<LaneTag>;
constexpr int kPartLanes = static_cast<int>(hwy::HWY_NAMESPACE::MaxLanes(LaneTag()));
constexpr int kRowParts = kLaneRows / kPartLanes;

/// One vector's sums over a block of 128 columns.
template <bool kHasLow>
struct BlockSums {
    LaneVector high[kRowParts];
    LaneVector low[kRowParts];

    HWY_INLINE BlockSums() {
        for (int part = 0; part < kRowParts; ++part) {
            high[part] = low[part] = hwy::HWY_NAMESPACE::Zero(LaneTag());
        }
    }

    HWY_INLINE void add(int part, LaneVector weights, const QuantizedBatch& x, int64_t column) {
        high[part] = addDots(LaneTag(), high[part], weights, fourInputs(x.high + column));
        if constexpr (kHasLow) {
            low[part] = addDots(LaneTag(), low[part], weights, fourInputs(x.low + column));
        }
    }

    /// totals [16] += scale * (2 sum of weights times codes - bias * sum of codes). The sums may
    /// wrap around, their difference does not.
    HWY_INLINE void addTo(float* totals, int bias, const QuantizedBatch& x, int64_t block) const {
        namespace hn = hwy::HWY_NAMESPACE;
        const LaneTag di;
        const LaneFloatTag df;
        const auto zero = hn::Set(di, bias * x.sum[block]);
        for (int part = 0; part < kRowParts; ++part) {
            LaneVector sum = high[part];
            if constexpr (kHasLow) {
                sum = hn::Add(hn::ShiftLeft<8>(sum), low[part]);
            }
            const auto value = hn::ConvertTo(df, hn::Sub(hn::ShiftLeft<1>(sum), zero));
            float* to = totals + part * kPartLanes;
            hn::StoreU(hn::MulAdd(value, hn::Set(df, x.scale[block]), hn::LoadU(df, to)), df, to);
        }
    }

private:
    static HWY_INLINE LaneVector fourInputs(const int8_t* codes) {
        int32_t word;
        std::memcpy(&word, codes, sizeof word);
        return hwy::HWY_NAMESPACE::Set(LaneTag(), word);
    }
};

/// use(part, step, weights) for the parts of `kTogether` steps.
template <int kPart, class Source, class Use>
HWY_INLINE void forEachWeights(const Source& source, int64_t step, const Use& use) {
    if constexpr (kPart < kRowParts) {
        LaneVector weights[Source::kTogether];
        source.template weights<kPart>(step, weights);
        for (int i = 0; i < Source::kTogether; ++i) {
            use(kPart, step + i, weights[i]);
        }
        forEachWeights<kPart + 1>(source, step, use);
    }
}

/// One past the last step of the block that holds columns.
HWY_INLINE int64_t endOfBlock(int64_t columns, int64_t block) {
    return std::min((block + 1) * kBlockSteps, (columns + kStepColumns - 1) / kStepColumns);
}

/// One vector: weights go straight to the product.
template <bool kHasLow, class Source>
HWY_NOINLINE void multiplyOne(const Source& source, const QuantizedBatch& x, float* totals) {
    for (int64_t block = 0; block * kQuantizedBlock < source.columns; ++block) {
        BlockSums<kHasLow> sums;
        const int64_t end = endOfBlock(source.columns, block);
        for (int64_t step = block * kBlockSteps; step < end; step += Source::kTogether) {
            forEachWeights<0>(source, step, [&](int part, int64_t at, LaneVector weights) HWY_ATTR {
                sums.add(part, weights, x, at * kStepColumns);
            });
        }
        sums.addTo(totals, Source::kBias, x, block);
    }
}

/// kVectors vectors times a tile of weights [steps, 16], the beginning of a block.
template <int kVectors, bool kHasLow>
HWY_INLINE void addTile(const int32_t* tile, int64_t steps, int bias, const QuantizedBatch& x,
                        int64_t block, float* totals) {
    BlockSums<kHasLow> sums[kVectors];
    const int64_t width = x.blocks * kQuantizedBlock;
    for (int64_t step = 0; step < steps; ++step) {
        for (int part = 0; part < kRowParts; ++part) {
            const LaneVector weights =
                hwy::HWY_NAMESPACE::LoadU(LaneTag(), tile + step * kLaneRows + part * kPartLanes);
            for (int t = 0; t < kVectors; ++t) {
                sums[t].add(part, weights, x,
                            t * width + block * kQuantizedBlock + step * kStepColumns);
            }
        }
    }
    for (int t = 0; t < kVectors; ++t) {
        sums[t].addTo(totals + t * kLaneRows, bias, x.from(t), block);
    }
}

/// Several vectors: the weights of each block are made once.
template <bool kHasLow, class Source>
HWY_NOINLINE void multiplySeveral(const Source& source, const QuantizedBatch& x, float* totals) {
    constexpr int kVectors = kHasLow ? 4 : 8;
    for (int64_t block = 0; block * kQuantizedBlock < source.columns; ++block) {
        int32_t tile[kBlockSteps * kLaneRows];
        const int64_t first = block * kBlockSteps;
        const int64_t steps = endOfBlock(source.columns, block) - first;
        for (int64_t step = 0; step < steps; step += Source::kTogether) {
            forEachWeights<0>(
                source, first + step, [&](int part, int64_t at, LaneVector weights) HWY_ATTR {
                    hwy::HWY_NAMESPACE::StoreU(weights, LaneTag(),
                                               tile + (at - first) * kLaneRows + part * kPartLanes);
                });
        }
        int64_t t = 0;
        for (; t + kVectors <= x.count; t += kVectors) {
            addTile<kVectors, kHasLow>(tile, steps, Source::kBias, x.from(t), block,
                                       totals + t * kLaneRows);
        }
        for (; t < x.count; ++t) {
            addTile<1, kHasLow>(tile, steps, Source::kBias, x.from(t), block,
                                totals + t * kLaneRows);
        }
    }
}

/// Vectors for which the weights are made once.
constexpr int64_t kMostVectors = 64;

/// totals [count, 16] = 2 * (rows of the source times x), for up to kMostVectors vectors.
template <class Source>
HWY_INLINE void multiplyRows(const Source& source, const QuantizedBatch& x, float* totals) {
    std::fill_n(totals, x.count * kLaneRows, 0.0F);
    const bool hasLow = x.low != nullptr;
    if (x.count == 1) {
        hasLow ? multiplyOne<true>(source, x, totals) : multiplyOne<false>(source, x, totals);
    } else {
        hasLow ? multiplySeveral<true>(source, x, totals)
               : multiplySeveral<false>(source, x, totals);
    }
}

/// y [16] += factor * totals.
HWY_INLINE void addScaled(const float* totals, float factor, float* y) {
    namespace hn = hwy::HWY_NAMESPACE;
    const LaneFloatTag df;
    for (int i = 0; i < kLaneRows; i += kPartLanes) {
        hn::StoreU(hn::MulAdd(hn::LoadU(df, totals + i), hn::Set(df, factor), hn::LoadU(df, y + i)),
                   df, y + i);
    }
}

/// y[t][16 g + i] += 2 * scale[g] * step * (row i of sourceOf(g) times x[t]) for the groups of the
/// range.
template <class SourceOf>
HWY_INLINE void multiplyGroups(const SourceOf& sourceOf, const float* scale, float step,
                               const QuantizedBatch& x, const OutputVectors& y, GroupRange range) {
    for (int64_t first = 0; first < x.count; first += kMostVectors) {
        QuantizedBatch some = x.from(first);
        some.count = std::min(kMostVectors, some.count);
        for (int64_t group = range.first; group < range.first + range.count; ++group) {
            float totals[kMostVectors * kLaneRows];
            multiplyRows(sourceOf(group), some, totals);
            for (int64_t t = 0; t < some.count; ++t) {
                addScaled(totals + t * kLaneRows, scale[group] * step,
                          y.values + (first + t) * y.stride + group * kLaneRows);
            }
        }
    }
}

} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
