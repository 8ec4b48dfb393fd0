// Steps of a search for the cheapest windows of a group, for every instruction set: included once
// for each by the encoder, which Highway compiles for all of them.
#if defined(CALDERA_TRELLIS_STEPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CALDERA_TRELLIS_STEPS_INL_H
#undef CALDERA_TRELLIS_STEPS_INL_H
#else
#define CALDERA_TRELLIS_STEPS_INL_H
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include <hwy/highway.h>

#include "kernels/trellis/encode_tables.h"

// Processors of this target have VNNI, but Highway does not tell the compiler. Whoever calls the
// steps has the same line behind its own HWY_BEFORE_NAMESPACE: they are inlined.
#undef CALDERA_HAS_VNNI
#undef CALDERA_STEPS_TARGET
#if HWY_TARGET == HWY_AVX3_DL && HWY_COMPILER_GCC_ACTUAL
#define CALDERA_HAS_VNNI 1
#define CALDERA_STEPS_TARGET _Pragma("GCC target(\"avx512vnni\")")
#else
#define CALDERA_HAS_VNNI 0
#define CALDERA_STEPS_TARGET
#endif

HWY_BEFORE_NAMESPACE();
CALDERA_STEPS_TARGET
#if HWY_TARGET != HWY_SCALAR
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The cost of a window is |c|^2 - 2 c.X with odd integers c and fixed-point X, in int32 without
// rounding. That of an entry's other sign is 2 |c|^2 less that.

using Tag = hn::CappedTag<int32_t, 16>;
using Vector = hn::Vec<Tag>;
using PairTag = hn::Repartition<int16_t, Tag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Tag()));
constexpr int kMaxStates = 64;

/// The cheapest way to each state, and the state that it comes from (ParallelSteps only).
struct alignas(64) States {
    std::array<int32_t, kMaxStates> cost;
    std::array<int32_t, kMaxStates> from;
};

/// sum + a0 b0 + a1 b1 of the two int16 of each lane.
HWY_INLINE Vector addPairProduct(Vector sum, hn::Vec<PairTag> a, hn::Vec<PairTag> b) {
#if CALDERA_HAS_VNNI
    return Vector{_mm512_dpwssd_epi32(sum.raw, a.raw, b.raw)};
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128
    Vector unused = hn::Zero(Tag());
    return hn::ReorderWidenMulAccumulate(Tag(), a, b, sum, unused);
#else
    const Vector x = hn::BitCast(Tag(), a);
    const Vector y = hn::BitCast(Tag(), b);
    const auto low = [](Vector v) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); };
    return hn::Add(sum, hn::Add(hn::Mul(low(x), low(y)),
                                hn::Mul(hn::ShiftRight<16>(x), hn::ShiftRight<16>(y))));
#endif
}

/// One row of inputs [V], each pair in all lanes.
template <int kColumns>
struct Row {
    hn::Vec<PairTag> pair[kColumns / 2];

    explicit HWY_INLINE Row(const int16_t* x) {
        for (int i = 0; i < kColumns / 2; ++i) {
            int32_t both = 0;
            std::memcpy(&both, x + 2 * i, sizeof both);
            pair[i] = hn::BitCast(PairTag(), hn::Set(Tag(), both));
        }
    }
};

/// kLanes entries of a table.
template <int kColumns>
struct Entries {
    hn::Vec<PairTag> pair[kColumns / 2];
    Vector norm;

    HWY_INLINE Entries(const TrellisEntries& entries, int64_t count, int64_t place)
        : norm(hn::LoadU(Tag(), entries.norm.get() + place)) {
        for (int i = 0; i < kColumns / 2; ++i) {
            pair[i] = hn::LoadU(PairTag(), entries.pairs.get() + 2 * (i * count + place));
        }
    }

    /// start - 2 c.X.
    HWY_INLINE Vector cost(const Row<kColumns>& x, Vector start) const {
        for (int i = 0; i < kColumns / 2; ++i) {
            start = addPairProduct(start, pair[i], x.pair[i]);
        }
        return start;
    }
};

/// The states that a step may come from.
struct Sources {
    int first = 0;
    int end = 0;
};

/// Steps of a code that has several windows from one state to another: the cheapest of them are
/// found once for each row, and the searches run over those alone.
template <int kColumns, int kStateCount>
class ParallelSteps {
public:
    static constexpr int kStates = kStateCount;
    static constexpr int kAfter = kStates / 2;

    ParallelSteps(const TrellisEncodeTables& tables, const int16_t* x) : tables_(tables), x_(x) {
        for (int row = 0; row < kTrellisRows; row += kRowBlock) {
            findBranches(row);
        }
    }

    /// To every state; of equally cheap ones the lowest source.
    HWY_INLINE void step(int row, const States& in, Sources sources, States& out) const {
        const Tag di;
        for (int part = 0; part < kStates; part += kLanes) {
            const auto reach = [&](int p) {
                return hn::Add(hn::Set(di, in.cost[p]), hn::Load(di, &branches_[row][p][part]));
            };
            Vector best = reach(sources.first);
            Vector from = hn::Set(di, sources.first);
            for (int p = sources.first + 1; p < sources.end; ++p) {
                const Vector cost = reach(p);
                from = hn::IfThenElse(hn::Lt(cost, best), hn::Set(di, p), from);
                best = hn::Min(best, cost);
            }
            hn::Store(best, di, &out.cost[part]);
            hn::Store(from, di, &out.from[part]);
        }
    }

    /// The state from which q was reached.
    static uint32_t source(int /*row*/, const States& /*in*/, const States& out, uint32_t q) {
        return static_cast<uint32_t>(out.from[q]);
    }

    /// The first of the windows from p to q that cost what the branch does.
    uint32_t window(int row, uint32_t p, uint32_t q) const {
        return p + firstMid(row, p, q) * kStates + q * tables_.mids * kStates;
    }

private:
    static constexpr int kRowBlock = 4;
    static constexpr int kParts = std::max(1, kAfter / kLanes); ///< vectors for every q

    /// Of kRowBlock rows at once: what is read of the table serves all of them.
    void findBranches(int row) {
        const Row<kColumns> x[kRowBlock] = {
            Row<kColumns>(x_ + row * kColumns), Row<kColumns>(x_ + (row + 1) * kColumns),
            Row<kColumns>(x_ + (row + 2) * kColumns), Row<kColumns>(x_ + (row + 3) * kColumns)};
        const int64_t each = int64_t{tables_.mids} * kAfter;
        for (int64_t p = 0; p < kStates; ++p) {
            for (int part = 0; part < kParts; ++part) {
                findBranches(x, p * each + part * kLanes, (p + 1) * each,
                             &branches_[row][p][part * kLanes]);
            }
        }
    }

    /// Least costs over the entries [place, end), every kParts vectors. to[i * kStates * kStates]
    /// is row i.
    HWY_INLINE void findBranches(const Row<kColumns>* x, int64_t place, int64_t end,
                                 int32_t* to) const {
        const Tag di;
        Vector plus[kRowBlock];
        Vector minus[kRowBlock];
        for (int i = 0; i < kRowBlock; ++i) {
            plus[i] = hn::Set(di, std::numeric_limits<int32_t>::max());
            minus[i] = plus[i];
        }
        for (; place < end; place += kParts * kLanes) {
            const Entries<kColumns> entries(tables_.byState, tables_.count, place);
            const Vector twice = hn::Add(entries.norm, entries.norm);
            for (int i = 0; i < kRowBlock; ++i) {
                const Vector cost = entries.cost(x[i], entries.norm);
                plus[i] = hn::Min(plus[i], cost);
                minus[i] = hn::Min(minus[i], hn::Sub(twice, cost));
            }
        }
        for (int i = 0; i < kRowBlock; ++i) {
            storeBranches(plus[i], minus[i], to + i * kStates * kStates);
        }
    }

    /// Entries of both signs to states q and q + kAfter.
    static HWY_INLINE void storeBranches(Vector plus, Vector minus, int32_t* to) {
        const Tag di;
        if constexpr (kLanes > kAfter) { // two windows of each q
            hn::Store(hn::Min(hn::ConcatLowerLower(di, minus, plus),
                              hn::ConcatUpperUpper(di, minus, plus)),
                      di, to);
        } else {
            hn::Store(plus, di, to);
            hn::Store(minus, di, to + kAfter);
        }
    }

    /// The first of the windows from p to q that cost what branches_ has for them. Lanes behind the
    /// last of them hold other entries, but one before it is found.
    HWY_INLINE uint32_t firstMid(int row, int64_t p, uint32_t q) const {
        const hn::CappedTag<int32_t, 16> di;
        const Row<kColumns> x(x_ + row * kColumns);
        const bool negative = q >= kAfter;
        const Vector cost = hn::Set(di, branches_[row][p][q]);
        const int64_t place = (int64_t{q % kAfter} * kStates + p) * tables_.mids;
        for (int mid = 0; mid < tables_.mids; mid += kLanes) {
            const Entries<kColumns> entries(tables_.toState, tables_.count, place + mid);
            const Vector plus = entries.cost(x, entries.norm);
            const auto same =
                hn::Eq(cost, negative ? hn::Sub(hn::Add(entries.norm, entries.norm), plus) : plus);
            const intptr_t found = hn::FindFirstTrue(di, same);
            if (found >= 0) {
                return static_cast<uint32_t>(mid + found);
            }
        }
        return 0;
    }

    const TrellisEncodeTables& tables_;
    const int16_t* x_;                                             ///< [16, V]
    alignas(64) int32_t branches_[kTrellisRows][kStates][kStates]; ///< [row][from][to]
};

/// Steps of a code with one window from each state to each other (k = m = 6).
template <int kColumns>
class SingleSteps {
public:
    static constexpr int kStates = 64;
    static constexpr int kAfter = kStates / 2;

    SingleSteps(const TrellisEncodeTables& tables, const int16_t* x) : tables_(tables), x_(x) {}

    HWY_INLINE void step(int row, const States& in, Sources sources, States& out) const {
        const Tag di;
        const Row<kColumns> x(x_ + row * kColumns);
        constexpr int kParts = kAfter / kLanes;
        Vector plus[kParts];
        Vector minus[kParts];
        for (int part = 0; part < kParts; ++part) {
            plus[part] = hn::Set(di, std::numeric_limits<int32_t>::max());
            minus[part] = plus[part];
        }
        for (int p = sources.first; p < sources.end; ++p) {
            const Vector before = hn::Set(di, in.cost[p]);
            for (int part = 0; part < kParts; ++part) {
                const Entries<kColumns> entries(tables_.byState, tables_.count,
                                                p * kAfter + part * kLanes);
                const Vector start = hn::Add(before, entries.norm);
                const Vector cost = entries.cost(x, start);
                plus[part] = hn::Min(plus[part], cost);
                minus[part] = hn::Min(minus[part], hn::Sub(hn::Add(start, start), cost));
            }
        }
        for (int part = 0; part < kParts; ++part) {
            hn::Store(plus[part], di, &out.cost[part * kLanes]);
            hn::Store(minus[part], di, &out.cost[kAfter + part * kLanes]);
        }
    }

    /// The lowest state from which q was reached: found again, where it is asked for, since keeping
    /// it for every state costs more.
    uint32_t source(int row, const States& in, const States& out, uint32_t q) const {
        const Tag di;
        const Row<kColumns> x(x_ + row * kColumns);
        const Vector reached = hn::Set(di, out.cost[q]);
        const int64_t place = int64_t{q % kAfter} * kStates;
        for (int p = 0; p < kStates; p += kLanes) {
            const Entries<kColumns> entries(tables_.toState, tables_.count, place + p);
            const Vector start = hn::Add(hn::Load(di, &in.cost[p]), entries.norm);
            const Vector plus = entries.cost(x, start);
            const Vector cost = q >= kAfter ? hn::Sub(hn::Add(start, start), plus) : plus;
            const intptr_t found = hn::FindFirstTrue(di, hn::Eq(cost, reached));
            if (found >= 0) {
                return static_cast<uint32_t>(p + found);
            }
        }
        return 0;
    }

    uint32_t window(int /*row*/, uint32_t p, uint32_t q) const { return p | (q << 6U); }

private:
    const TrellisEncodeTables& tables_;
    const int16_t* x_; ///< [16, V]
};

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
#endif
HWY_AFTER_NAMESPACE();

#endif
