// From a code at run time to the encoder compiled for its shape.
#pragma once

#include <type_traits>

#include "kernels/common/device_copy.h"
#include "kernels/trellis/code_shape.cuh"
#include "kernels/trellis/long_search.cuh"
#include "kernels/trellis/short_search.cuh"

namespace caldera::kernels {

inline TrellisSearchTable deviceTable(const TrellisCode& code) {
    return {static_cast<const int8_t*>(deviceCopy(code.table.data(), code.table.size())),
            code.inputFactor(), code.step};
}

/// The encoder of a shape: with as many bits of memory as new ones, every state leads to every
/// other by one window.
template <class Shape>
using TrellisSearchOf = std::conditional_t<Shape::kMemoryBits == Shape::kNewBits,
                                           TrellisLongSearch<Shape::kColumns, Shape::kNewBits>,
                                           TrellisShortSearch<Shape::kColumns, Shape::kNewBits>>;

/// Calls run with a null pointer to the encoder of the code's shape. Throws KernelError for any
/// other.
template <class Run>
void withSearch(const TrellisCode& code, const Run& run) {
    withCodeShape(code, "trellis", "encoder", [&](auto shape) {
        run(static_cast<TrellisSearchOf<decltype(shape)>*>(nullptr));
    });
}

} // namespace caldera::kernels
