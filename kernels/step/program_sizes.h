// Sizes and alignments that decide how a step's phases go about a vector.
#pragma once

#include <cstdint>

#include "kernels/activation/activation.h"

namespace caldera::kernels::cuda {

constexpr int64_t divideUp(int64_t count, int64_t each) {
    return (count + each - 1) / each;
}

/// Blocks of 128 that a vector has.
inline int blocksOf(int columns) {
    return static_cast<int>(divideUp(columns, kQuantizedBlock));
}

/// Whether there is no vector, or one that can be read four numbers at a time.
template <class Value>
bool isQuads(const Value* vector) {
    return reinterpret_cast<uintptr_t>(vector) % (4 * sizeof(Value)) == 0;
}

/// Whether a vector is whole quads and rotated in blocks of 128.
inline bool isEvenSize(int size, int block) {
    return size % 4 == 0 && block == kQuantizedBlock;
}

} // namespace caldera::kernels::cuda
