#include "kernels/e8p/e8p.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "kernels/e8p/tables.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/e8p/encode_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Coordinates are integers in units of 2^-14 and lattice points are doubled, so with P = 2^14 x and
// V = 2 v the score 2 x.v - |v|^2, times 2^14, is P.V - 2^12 |V|^2: exact in int32 and, for points
// of the codebook, in f32.

constexpr int kFractionBits = 14;
constexpr int32_t kOne = 1 << kFractionBits;
constexpr int32_t kHalf = kOne / 2;
constexpr int32_t kQuarter = kOne / 4;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using IntVector = hn::Vec<IntTag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));

struct alignas(64) IntLanes {
    std::array<int32_t, kLanes> at;
};

/// Nearest points of the whole lattice for kLanes vectors, shifted one way.
struct LatticePoints {
    IntLanes score;    ///< of the nearest lattice point: no codeword scores higher
    IntLanes key;      ///< where E8pTables::entry has the point's magnitudes
    IntLanes negative; ///< bit j: coordinate j is negative
    IntLanes usable;   ///< 0 when the point has no key or another one is as near
};

/// fixed [8][kLanes] by coordinate.
HWY_INLINE void nearestLatticePoints(const std::array<IntLanes, 8>& fixed, int32_t shift,
                                     LatticePoints& points) {
    const IntTag di;
    const IntVector one = hn::Set(di, 1);
    IntVector twice[8];
    IntVector offset[8];
    IntVector shifted[8];
    IntVector odd = hn::Zero(di);
    IntVector least = hn::Set(di, kOne);
    IntVector second = least;
    IntVector where = hn::Zero(di);
    for (int j = 0; j < 8; ++j) {
        shifted[j] = hn::Add(hn::Load(di, fixed[j].at.data()), hn::Set(di, shift));
        const IntVector floor = hn::ShiftRight<kFractionBits>(shifted[j]);
        offset[j] = hn::Sub(hn::And(shifted[j], hn::Set(di, kOne - 1)), hn::Set(di, kHalf));
        twice[j] = hn::Add(hn::Add(floor, floor), one);
        odd = hn::Xor(odd, floor);
        // What a step to the second nearest half-integer costs, up to a factor.
        const IntVector margin = hn::Sub(hn::Set(di, kHalf), hn::Abs(offset[j]));
        where = hn::IfThenElse(hn::Lt(margin, least), hn::Set(di, j), where);
        second = hn::Min(second, hn::Max(margin, least));
        least = hn::Min(least, margin);
    }
    const auto isOdd = hn::Eq(hn::And(odd, one), one);
    IntVector norm = hn::Zero(di);
    IntVector score = hn::Zero(di);
    IntVector key = hn::Zero(di);
    IntVector negative = hn::Zero(di);
    for (int j = 7; j >= 0; --j) {
        const auto steps = hn::And(isOdd, hn::Eq(where, hn::Set(di, j)));
        const IntVector step =
            hn::IfThenElse(hn::Lt(offset[j], hn::Zero(di)), hn::Set(di, -2), hn::Set(di, 2));
        const IntVector v = hn::Add(twice[j], hn::IfThenElseZero(steps, step));
        norm = hn::Add(norm, hn::Mul(v, v));
        score = hn::Add(score, hn::Mul(v, shifted[j]));
        key = hn::Add(hn::Mul(key, hn::Set(di, 3)), hn::ShiftRight<1>(hn::Abs(v)));
        negative =
            hn::Or(negative, hn::IfThenElseZero(hn::Lt(v, hn::Zero(di)), hn::Set(di, 1 << j)));
    }
    const IntVector rival = hn::IfThenElse(isOdd, hn::Sub(second, least), second);
    const auto usable = hn::And(hn::Gt(rival, hn::Zero(di)), hn::Lt(norm, hn::Set(di, 49)));
    hn::Store(hn::Sub(score, hn::Mul(norm, hn::Set(di, kOne / 4))), di, points.score.at.data());
    hn::Store(key, di, points.key.at.data());
    hn::Store(negative, di, points.negative.at.data());
    hn::Store(hn::IfThenElseZero(usable, one), di, points.usable.at.data());
}

struct Found {
    int32_t score = 0;
    uint16_t code = 0;
};

/// The best codeword with one shift, by scanning all 256 entries: for each the best signs, which
/// change one coordinate (the cheapest) when the parity of the sum asks for it.
/// shifted [8]: the vector in fixed point, shift included.
HWY_INLINE Found scanCodebook(const std::array<int32_t, 8>& shifted, bool minusQuarter) {
    const FloatTag df;
    const E8pTables& tables = E8pTables::instance();
    hn::Vec<FloatTag> magnitude[8];
    uint32_t negative = 0;
    uint32_t oddNegatives = 0;
    for (int j = 0; j < 8; ++j) {
        const uint32_t isNegative = shifted[j] < 0 ? 1 : 0;
        negative |= isNegative << j;
        oddNegatives ^= isNegative;
        magnitude[j] = hn::Set(df, static_cast<float>(std::abs(shifted[j])));
    }
    const float* flipFactor = tables.flipFactor[oddNegatives].data();
    auto best = hn::Set(df, -3e38F);
    auto bestEntry = hn::Zero(df);
    for (int i = 0; i < 256; i += kLanes) {
        auto product = hn::Mul(magnitude[0], hn::Load(df, &tables.twiceByCoordinate[0][i]));
        auto sum = product;
        auto flip = product;
        for (int j = 1; j < 8; ++j) {
            product = hn::Mul(magnitude[j], hn::Load(df, &tables.twiceByCoordinate[j][i]));
            sum = hn::Add(sum, product);
            flip = hn::Min(flip, product);
        }
        sum = hn::NegMulAdd(hn::Set(df, kOne / 4), hn::Load(df, &tables.squaredNorm[i]), sum);
        sum = hn::NegMulAdd(flip, hn::Load(df, flipFactor + i), sum);
        bestEntry = hn::IfThenElse(hn::Gt(sum, best), hn::Load(df, &tables.number[i]), bestEntry);
        best = hn::Max(best, sum);
    }
    const auto top = hn::MaxOfLanes(df, best);
    const auto firstEntry =
        hn::MinOfLanes(df, hn::IfThenElse(hn::Eq(best, top), bestEntry, hn::Set(df, 256.0F)));
    const int entry = static_cast<int>(hn::GetLane(firstEntry));
    if (flipFactor[entry] != 0) {
        // Of equally cheap sign changes the one with the smallest codeword.
        constexpr std::array<int, 8> kOrder = {7, 0, 2, 4, 6, 1, 3, 5};
        const auto cost = [&](int j) {
            return std::abs(shifted[j]) * static_cast<int>(tables.twiceByCoordinate[j][entry]);
        };
        const int cheapest = *std::min_element(kOrder.begin(), kOrder.end(),
                                               [&](int a, int b) { return cost(a) < cost(b); });
        negative ^= 1U << cheapest;
    }
    return {static_cast<int32_t>(hn::GetLane(top)),
            E8pCodebook::instance().codeword(entry, negative, minusQuarter)};
}

/// One vector: takes the nearest lattice point where that is a codeword, and scans where it is not.
class Chooser {
public:
    Chooser(const std::array<IntLanes, 8>& fixed, const std::array<LatticePoints, 2>& points,
            int lane)
        : fixed_(fixed), points_(points), lane_(lane), sum_(0) {
        for (const IntLanes& coordinate : fixed) {
            sum_ += coordinate.at[lane];
        }
    }

    HWY_INLINE uint16_t choose() const {
        // Index 0: codewords shifted by +1/4, index 1: by -1/4, which must be strictly nearer.
        const int likely =
            comparable(1, points_[1].score.at[lane_]) > comparable(0, points_[0].score.at[lane_])
                ? 1
                : 0;
        const int other = 1 - likely;
        const Found first = bestWith(likely);
        const int32_t mine = comparable(likely, first.score);
        if (!wins(other, comparable(other, points_[other].score.at[lane_]), mine)) {
            return first.code;
        }
        const Found second = bestWith(other);
        return wins(other, comparable(other, second.score), mine) ? second.code : first.code;
    }

private:
    /// Scores of the two shifts differ by the vectors' own lengths.
    int32_t comparable(int side, int32_t score) const { return side == 1 ? score - sum_ : score; }
    static bool wins(int side, int32_t score, int32_t against) {
        return side == 1 ? score > against : score >= against;
    }
    HWY_INLINE Found bestWith(int side) const {
        const LatticePoints& point = points_[side];
        if (point.usable.at[lane_] != 0) {
            const int entry = E8pTables::instance().entry[point.key.at[lane_]];
            if (entry >= 0) {
                const auto negative = static_cast<uint32_t>(point.negative.at[lane_]);
                return {point.score.at[lane_],
                        E8pCodebook::instance().codeword(entry, negative, side == 1)};
            }
        }
        std::array<int32_t, 8> shifted;
        for (int j = 0; j < 8; ++j) {
            shifted[j] = fixed_[j].at[lane_] + (side == 1 ? kQuarter : -kQuarter);
        }
        return scanCodebook(shifted, side == 1);
    }

    const std::array<IntLanes, 8>& fixed_;
    const std::array<LatticePoints, 2>& points_;
    int lane_;
    int32_t sum_;
};

/// x [kLanes, 8] to fixed point by coordinate.
HWY_INLINE void toFixed(const float* x, std::array<IntLanes, 8>& fixed) {
    const FloatTag df;
    const IntTag di;
    alignas(64) std::array<int32_t, 8 * kLanes> rows;
    for (int i = 0; i < 8 * kLanes; i += kLanes) {
        auto value = hn::LoadU(df, x + i);
        value = hn::IfThenZeroElse(hn::IsNaN(value), value);
        value = hn::Clamp(value, hn::Set(df, -16.0F), hn::Set(df, 16.0F));
        hn::Store(hn::NearestInt(hn::Mul(value, hn::Set(df, kOne))), di, rows.data() + i);
    }
    for (int lane = 0; lane < kLanes; ++lane) {
        for (int j = 0; j < 8; ++j) {
            fixed[j].at[lane] = rows[lane * 8 + j];
        }
    }
}

void encode(const float* x, int64_t count, uint16_t* codes) {
    std::array<IntLanes, 8> fixed;
    std::array<LatticePoints, 2> points;
    for (int64_t first = 0; first < count; first += kLanes) {
        const int64_t taken = std::min<int64_t>(kLanes, count - first);
        if (taken == kLanes) {
            toFixed(x + first * kE8pWidth, fixed);
        } else {
            std::array<float, 8 * kLanes> padded{};
            std::copy_n(x + first * kE8pWidth, taken * kE8pWidth, padded.begin());
            toFixed(padded.data(), fixed);
        }
        nearestLatticePoints(fixed, -kQuarter, points[0]);
        nearestLatticePoints(fixed, kQuarter, points[1]);
        for (int64_t i = 0; i < taken; ++i) {
            codes[first + i] = Chooser(fixed, points, static_cast<int>(i)).choose();
        }
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(encode);

void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded) {
    HWY_DYNAMIC_DISPATCH(encode)(x, count, codes);
    e8pDecode(codes, count, decoded);
}

} // namespace caldera::kernels
#endif
