#include <limits>
#include <vector>

#include "kernels/common/integer_product_reference.h"
#include "kernels/trellis/windows.h"

namespace caldera::kernels::reference {
namespace {

/// The cheapest windows for one group, by the definition.
class Search {
public:
    Search(const TrellisCode& code, const float* x) : code_(code), x_(kTrellisRows) {
        for (int row = 0; row < kTrellisRows; ++row) {
            for (int j = 0; j < code.columns; ++j) {
                x_[row][j] = trellisInput(x[row * code.columns + j], code.inputFactor());
            }
        }
    }

    TrellisWindows run() const {
        // Which state to begin and end in is read off a free search over two turns.
        const std::vector<uint32_t> free = cheapest(2, -1);
        return closed(free[kTrellisRows] & (states() - 1));
    }

    TrellisWindows runExhaustively() const {
        TrellisWindows best = closed(0);
        for (uint32_t boundary = 1; boundary < states(); ++boundary) {
            const TrellisWindows windows = closed(boundary);
            if (cost(windows) < cost(best)) {
                best = windows;
            }
        }
        return best;
    }

private:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max() / 2;

    uint32_t states() const { return 1U << code_.memoryBits; }

    /// The cheapest windows that begin and end in the state.
    TrellisWindows closed(uint32_t boundary) const {
        const std::vector<uint32_t> path = cheapest(1, static_cast<int>(boundary));
        TrellisWindows windows;
        std::copy(path.begin(), path.end(), windows.begin());
        return windows;
    }

    int64_t cost(const TrellisWindows& windows) const {
        int64_t sum = 0;
        for (int row = 0; row < kTrellisRows; ++row) {
            sum += cost(row, windows[row]);
        }
        return sum;
    }

    /// Squared distance of a window's values to the row, less that of zero.
    int64_t cost(int row, uint32_t window) const {
        const uint32_t top = 1U << (code_.windowBits() - 1);
        const int8_t* entry = code_.table.data() + (window & (top - 1)) * code_.columns;
        int64_t sum = 0;
        for (int j = 0; j < code_.columns; ++j) {
            const int64_t c = (window & top) != 0 ? -(2 * entry[j] + 1) : 2 * entry[j] + 1;
            sum += ((c * c) << kTrellisFractionBits) - 2 * c * x_[row][j];
        }
        return sum;
    }

    /// True when window a is taken before b, which costs the same.
    bool comesFirst(uint32_t a, uint32_t b) const {
        const auto from = [this](uint32_t window) { return window & (states() - 1); };
        return from(a) != from(b) ? from(a) < from(b) : a < b;
    }

    /// Viterbi's search over so many turns; `boundary` fixes the first and last state, -1 neither.
    std::vector<uint32_t> cheapest(int turns, int boundary) const {
        std::vector<int64_t> reached(states(), boundary < 0 ? 0 : kNever);
        if (boundary >= 0) {
            reached[boundary] = 0;
        }
        std::vector<std::vector<uint32_t>> last; // [rows][state]
        for (int step = 0; step < turns * kTrellisRows; ++step) {
            std::vector<int64_t> next(states(), kNever);
            std::vector<uint32_t> by(states());
            for (uint32_t window = 0; window < 1U << code_.windowBits(); ++window) {
                const int64_t total =
                    reached[window & (states() - 1)] + cost(step % kTrellisRows, window);
                const uint32_t state = window >> code_.newBits;
                if (total < next[state] ||
                    (total == next[state] && comesFirst(window, by[state]))) {
                    next[state] = total;
                    by[state] = window;
                }
            }
            reached = next;
            last.push_back(by);
        }
        uint32_t state =
            boundary < 0 ? static_cast<uint32_t>(std::min_element(reached.begin(), reached.end()) -
                                                 reached.begin())
                         : static_cast<uint32_t>(boundary);
        std::vector<uint32_t> path(last.size());
        for (size_t i = last.size(); i-- > 0;) {
            path[i] = last[i][state];
            state = path[i] & (states() - 1);
        }
        return path;
    }

    const TrellisCode& code_;
    std::vector<std::array<int16_t, 4>> x_; ///< [16][V]
};

} // namespace

void trellisEncode(const TrellisCode& code, const float* x, int64_t groups, uint8_t* codes,
                   float* decoded) {
    for (int64_t group = 0; group < groups; ++group) {
        const TrellisWindows windows = Search(code, x + group * kTrellisRows * code.columns).run();
        packTrellis(code, windows, codes + group * code.groupBytes());
    }
    reference::trellisDecode(code, codes, groups, decoded);
}

void trellisEncodeExhaustively(const TrellisCode& code, const float* x, int64_t groups,
                               uint8_t* codes, float* decoded) {
    for (int64_t group = 0; group < groups; ++group) {
        const Search search(code, x + group * kTrellisRows * code.columns);
        packTrellis(code, search.runExhaustively(), codes + group * code.groupBytes());
    }
    reference::trellisDecode(code, codes, groups, decoded);
}

void trellisDecode(const TrellisCode& code, const uint8_t* codes, int64_t groups, float* values) {
    for (int64_t group = 0; group < groups; ++group) {
        for (const uint32_t window : unpackTrellis(code, codes + group * code.groupBytes())) {
            trellisValues(code, window, values);
            values += code.columns;
        }
    }
}

void trellisGemv(const TrellisMatrix& q, const float* x, float* y, GroupRange range) {
    const TrellisCode& code = *q.code;
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        std::array<double, kTrellisRows> sums{};
        for (int64_t block = 0; block < q.blocks; ++block) {
            const TrellisWindows windows =
                unpackTrellis(code, q.codes + (group * q.blocks + block) * code.groupBytes());
            for (int row = 0; row < kTrellisRows; ++row) {
                std::array<float, 4> values;
                trellisValues(code, windows[row], values.data());
                for (int j = 0; j < code.columns; ++j) {
                    sums[row] += static_cast<double>(values[j]) * x[block * code.columns + j];
                }
            }
        }
        for (int row = 0; row < kTrellisRows; ++row) {
            y[group * kTrellisRows + row] += static_cast<float>(q.scale[group] * sums[row]);
        }
    }
}

void trellisIntegerProduct(const TrellisMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                           GroupRange range) {
    const TrellisCode& code = *q.code;
    const int64_t columns = q.blocks * code.columns;
    std::vector<float> weights(static_cast<size_t>(kTrellisRows * columns));
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        trellisDecodeRows(code, q.codes + group * q.blocks * code.groupBytes(), q.blocks,
                          weights.data());
        addIntegerProduct(weights, kTrellisRows, q.scale[group], x,
                          {y.values + group * kTrellisRows, y.stride});
    }
}

} // namespace caldera::kernels::reference
