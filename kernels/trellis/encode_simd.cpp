#include <algorithm>
#include <array>
#include <vector>

#include "kernels/trellis/encode_tables.h"
#include "kernels/trellis/windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/trellis/encode_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include "kernels/trellis/encode_steps-inl.h"

HWY_BEFORE_NAMESPACE();
CALDERA_STEPS_TARGET
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void encode(const TrellisEncodeTables& tables, const float* x, int64_t groups, uint8_t* codes) {
    std::vector<float> decoded(static_cast<size_t>(groups * kTrellisRows * tables.code.columns));
    reference::trellisEncode(tables.code, x, groups, codes, decoded.data());
}

#else

/// As trellisInput().
HWY_INLINE void toFixed(const float* x, int count, float factor, int16_t* fixed) {
    const hn::CappedTag<float, 16> df;
    const hn::Rebind<int16_t, decltype(df)> dh;
    for (int i = 0; i < count; i += kLanes) {
        auto value = hn::Mul(hn::LoadU(df, x + i), hn::Set(df, factor));
        value = hn::IfThenZeroElse(hn::IsNaN(value), value);
        value = hn::Clamp(value, hn::Set(df, -32767.0F), hn::Set(df, 32767.0F));
        hn::StoreU(hn::DemoteTo(dh, hn::NearestInt(value)), dh, fixed + i);
    }
}

/// The state before row 0, read off a free search over two turns.
template <class Steps>
HWY_INLINE uint32_t boundaryState(const Steps& steps) {
    constexpr int kSteps = 2 * kTrellisRows;
    std::array<States, kSteps + 1> reached;
    reached[0].cost.fill(0);
    for (int i = 0; i < kSteps; ++i) {
        steps.step(i % kTrellisRows, reached[i], {0, Steps::kStates}, reached[i + 1]);
    }
    const auto& last = reached[kSteps].cost;
    auto state = static_cast<uint32_t>(
        std::min_element(last.begin(), last.begin() + Steps::kStates) - last.begin());
    for (int i = kSteps - 1; i >= kTrellisRows; --i) {
        state = steps.source(i % kTrellisRows, reached[i], reached[i + 1], state);
    }
    return state;
}

/// The cheapest windows that begin and end in the boundary state.
template <class Steps>
HWY_INLINE TrellisWindows cheapestWindows(const Steps& steps) {
    const auto boundary = static_cast<int>(boundaryState(steps));
    std::array<States, kTrellisRows + 1> reached;
    reached[0].cost.fill(0);
    steps.step(0, reached[0], {boundary, boundary + 1}, reached[1]);
    for (int row = 1; row < kTrellisRows; ++row) {
        steps.step(row, reached[row], {0, Steps::kStates}, reached[row + 1]);
    }
    TrellisWindows windows;
    auto state = static_cast<uint32_t>(boundary);
    for (int row = kTrellisRows - 1; row > 0; --row) {
        const uint32_t from = steps.source(row, reached[row], reached[row + 1], state);
        windows[row] = steps.window(row, from, state);
        state = from;
    }
    windows[0] = steps.window(0, static_cast<uint32_t>(boundary), state);
    return windows;
}

template <int kColumns, class Steps>
void encodeGroups(const TrellisEncodeTables& tables, const float* x, int64_t groups,
                  uint8_t* codes) {
    alignas(64) std::array<int16_t, kTrellisRows * kColumns> fixed;
    const float factor = tables.code.inputFactor();
    for (int64_t group = 0; group < groups; ++group) {
        toFixed(x + group * kTrellisRows * kColumns, kTrellisRows * kColumns, factor, fixed.data());
        packTrellis(tables.code, cheapestWindows(Steps(tables, fixed.data())),
                    codes + group * tables.code.groupBytes());
    }
}

template <int kColumns>
void encodeGroups(const TrellisEncodeTables& tables, const float* x, int64_t groups,
                  uint8_t* codes) {
    if (tables.mids == 1) {
        encodeGroups<kColumns, SingleSteps<kColumns>>(tables, x, groups, codes);
    } else if (tables.states == 16) {
        encodeGroups<kColumns, ParallelSteps<kColumns, 16>>(tables, x, groups, codes);
    } else if (tables.states == 32) {
        encodeGroups<kColumns, ParallelSteps<kColumns, 32>>(tables, x, groups, codes);
    } else {
        encodeGroups<kColumns, ParallelSteps<kColumns, 64>>(tables, x, groups, codes);
    }
}

void encode(const TrellisEncodeTables& tables, const float* x, int64_t groups, uint8_t* codes) {
    if (tables.code.columns == 4) {
        encodeGroups<4>(tables, x, groups, codes);
    } else {
        encodeGroups<2>(tables, x, groups, codes);
    }
}

#endif

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(encode);

void trellisEncode(const TrellisEncodeTables& tables, const float* x, int64_t groups,
                   uint8_t* codes) {
    HWY_DYNAMIC_DISPATCH(encode)(tables, x, groups, codes);
}

void trellisEncode(const TrellisCode& code, const float* x, int64_t groups, uint8_t* codes,
                   float* decoded) {
    if (const TrellisEncodeTables* tables = TrellisEncodeTables::ofListed(code)) {
        trellisEncode(*tables, x, groups, codes);
    } else {
        trellisEncode(TrellisEncodeTables(code), x, groups, codes);
    }
    trellisDecode(code, codes, groups, decoded);
}

} // namespace caldera::kernels
#endif
