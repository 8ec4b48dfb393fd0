#include "kernels/trellis/encode_tables.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace caldera::kernels {
namespace {

constexpr size_t kAlignment = 64;
/// Entries that a vector may hold beyond the last.
constexpr int64_t kReadBehind = 16;

template <class T>
T* allocate(int64_t count) {
    return static_cast<T*>(
        ::operator new[](static_cast<size_t>(count) * sizeof(T), std::align_val_t{kAlignment}));
}

void setEntry(const TrellisCode& code, TrellisEntries& entries, int64_t place, int64_t count,
              int64_t window) {
    int32_t norm = 0;
    for (int j = 0; j < code.columns; ++j) {
        const int odd = 2 * code.table[static_cast<size_t>(window * code.columns + j)] + 1;
        norm += odd * odd;
        entries.pairs[(j / 2 * count + place) * 2 + j % 2] = static_cast<int16_t>(-2 * odd);
    }
    entries.norm[place] = norm << kTrellisFractionBits;
}

} // namespace

TrellisEntries::TrellisEntries(int64_t count)
    : pairs(allocate<int16_t>(4 * (count + kReadBehind))),
      norm(allocate<int32_t>(count + kReadBehind)) {}

void TrellisEntries::FreeAligned::operator()(void* memory) const {
    ::operator delete[](memory, std::align_val_t{kAlignment});
}

/// 16 to 64 states with several windows between them, or 64 with one.
bool TrellisEncodeTables::take(const TrellisCode& shape) {
    const int memory = shape.memoryBits;
    return (shape.columns == 2 || shape.columns == 4) &&
           ((memory >= 4 && memory <= 6 && shape.newBits > memory) ||
            (memory == 6 && shape.newBits == 6));
}

TrellisEncodeTables::TrellisEncodeTables(const TrellisCode& made)
    : code(made), count(int64_t{1} << (made.windowBits() - 1)), states(1 << made.memoryBits),
      mids(1 << (made.newBits - made.memoryBits)), byState(count), toState(count) {
    if (!take(made)) {
        throw std::invalid_argument(std::string("No encoder takes the shape of ") + made.id);
    }
    const int64_t after = states / 2;
    for (int64_t p = 0; p < states; ++p) {
        for (int64_t mid = 0; mid < mids; ++mid) {
            for (int64_t q = 0; q < after; ++q) {
                const int64_t window = p + mid * states + q * mids * states;
                setEntry(code, byState, (p * mids + mid) * after + q, count, window);
                setEntry(code, toState, (q * states + p) * mids + mid, count, window);
            }
        }
    }
}

const TrellisEncodeTables* TrellisEncodeTables::ofListed(const TrellisCode& code) {
    static const std::vector<TrellisEncodeTables> all(trellisCodes().begin(), trellisCodes().end());
    const auto found = std::find_if(all.begin(), all.end(), [&](const TrellisEncodeTables& t) {
        return t.code.table.data() == code.table.data();
    });
    return found == all.end() ? nullptr : &*found;
}

} // namespace caldera::kernels
