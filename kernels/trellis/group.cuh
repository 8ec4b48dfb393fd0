// What the trellis encoders of a thread block share: a group's inputs, windows and values.
#pragma once

#include <cstdint>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels {

/// What a launch gets by value.
struct TrellisSearchTable {
    const int8_t* entries = nullptr; ///< device, [2^(k + m - 1), V]
    float inputFactor = 0;
    float step = 0;
};

/// Costs are kept as half of what the specification says, with the sign symmetry taken out: with
/// c = 2 e + 1, n = 16 sum c^2 and g = n - sum e X, half a cost is 2 g - sum X for the window
/// as it is and 2 (2 n - g) + sum X for its negative.
template <int kV, int kNewBits, int kMemoryBits>
class TrellisGroup {
public:
    static constexpr int kColumns = kV;
    static constexpr int kThreads = 256;
    static constexpr int kGroupBytes = 2 * kNewBits;
    static constexpr int kStates = 1 << kMemoryBits;
    /// Codes are accepted by whole groups.
    static constexpr bool kRowsAlone = false;

    using Table = TrellisSearchTable;
    struct GroupShared {
        int2 negated[kTrellisRows];   ///< -X of columns 0, 1 and 2, 3 as pairs of int16
        int negatedSum[kTrellisRows]; ///< -sum X
        uint32_t window[kTrellisRows];
        float decoded[kTrellisRows][kV];
    };

    /// Writes the group's codes at `codes`, which is aligned to 4 bytes. The second parameter says
    /// which rows to store to encoders that can choose.
    template <class Accepts>
    __device__ void store(uint8_t* codes, const Accepts&) const {
        const int word = static_cast<int>(threadIdx.x);
        if (word >= kGroupBytes / 4) {
            return;
        }
        uint32_t bits = 0;
        for (int row = 0; row < kTrellisRows; ++row) {
            const int place = row * kNewBits - 32 * word;
            const uint32_t symbol = shared_.window[row] >> kMemoryBits;
            if (place > -kNewBits && place < 32) {
                bits |= place >= 0 ? symbol << place : symbol >> -place;
            }
        }
        reinterpret_cast<uint32_t*>(codes)[word] = bits;
    }

protected:
    __device__ TrellisGroup(const Table& table, GroupShared& shared)
        : table_(table), shared_(shared) {}

    static constexpr int kPerWord = 4 / kV; ///< entries in a 32-bit word

    /// Entry `entry` of the table as place i of words and norms.
    __device__ void loadEntry(int entry, int i, int* words, int* norms) const {
        uint32_t word = 0;
        if constexpr (kV == 4) {
            word = reinterpret_cast<const uint32_t*>(table_.entries)[entry];
        } else {
            word = reinterpret_cast<const uint16_t*>(table_.entries)[entry];
        }
        // c^2 = 4 (e^2 + e) + 1
        const int signedWord = static_cast<int>(word);
        const int squares = __dp4a(signedWord, signedWord, __dp4a(signedWord, 0x01010101, 0));
        norms[i] = (4 * squares + kV) << (kTrellisFractionBits - 2);
        const int place = i % kPerWord * 16;
        words[i / kPerWord] =
            place == 0 ? signedWord : words[i / kPerWord] | static_cast<int>(word << place);
    }

    /// g of place i, which is a constant after unrolling.
    __device__ static int gain(const int* words, const int* norms, int i, int2 negated) {
        const int word = words[i / kPerWord];
        if constexpr (kV == 4) {
            return __dp2a_hi(negated.y, word, __dp2a_lo(negated.x, word, norms[i]));
        } else {
            return i % 2 == 0 ? __dp2a_lo(negated.x, word, norms[i])
                              : __dp2a_hi(negated.x, word, norms[i]);
        }
    }

    /// Fixed point of the inputs; the caller's barrier follows.
    __device__ void prepare(const float (*x)[kV]) {
        const int row = static_cast<int>(threadIdx.x);
        if (row < kTrellisRows) {
            int negated[4] = {};
            for (int j = 0; j < kV; ++j) {
                const float scaled = x[row][j] * table_.inputFactor;
                negated[j] = scaled == scaled // NaN is 0
                                 ? -__float2int_rn(fminf(fmaxf(scaled, -32767.0F), 32767.0F))
                                 : 0;
            }
            shared_.negated[row] = make_int2((negated[0] & 0xFFFF) | (negated[1] << 16),
                                             (negated[2] & 0xFFFF) | (negated[3] << 16));
            shared_.negatedSum[row] = negated[0] + negated[1] + negated[2] + negated[3];
        }
    }

    /// Values of the windows, visible to all threads afterwards.
    __device__ void decode() {
        const int i = static_cast<int>(threadIdx.x);
        if (i < kTrellisRows * kV) {
            constexpr uint32_t kTop = 1U << (kNewBits + kMemoryBits - 1);
            const uint32_t window = shared_.window[i / kV];
            const int e = table_.entries[(window & (kTop - 1)) * kV + i % kV];
            const int value = (window & kTop) != 0 ? ~e : e;
            shared_.decoded[i / kV][i % kV] = (static_cast<float>(value) + 0.5F) * table_.step;
        }
        __syncthreads();
    }

    Table table_;
    GroupShared& shared_;
};

} // namespace caldera::kernels
