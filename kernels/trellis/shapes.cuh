// From a code at run time to the encoder compiled for its shape.
#pragma once

#include <string>

#include "kernels/common/device_copy.h"
#include "kernels/common/kernel_error.h"
#include "kernels/trellis/long_search.cuh"
#include "kernels/trellis/short_search.cuh"

namespace caldera::kernels {

inline TrellisSearchTable deviceTable(const TrellisCode& code) {
    return {static_cast<const int8_t*>(deviceCopy(code.table.data(), code.table.size())),
            code.inputFactor(), code.step};
}

/// Calls run with a null pointer to the encoder of the code's shape. Throws KernelError for any
/// other.
template <class Run>
void withSearch(const TrellisCode& code, const Run& run) {
    const auto is = [&](int columns, int newBits, int memoryBits) {
        return code.columns == columns && code.newBits == newBits && code.memoryBits == memoryBits;
    };
    if (is(4, 6, 6)) {
        run(static_cast<TrellisLongSearch<4, 6>*>(nullptr));
    } else if (is(4, 8, 4)) {
        run(static_cast<TrellisShortSearch<4, 8>*>(nullptr));
    } else if (is(4, 10, 4)) {
        run(static_cast<TrellisShortSearch<4, 10>*>(nullptr));
    } else if (is(2, 6, 6)) {
        run(static_cast<TrellisLongSearch<2, 6>*>(nullptr));
    } else if (is(2, 8, 4)) {
        run(static_cast<TrellisShortSearch<2, 8>*>(nullptr));
    } else {
        throw KernelError("trellis: the GPU has no encoder for " + std::string(code.id) + ".");
    }
}

} // namespace caldera::kernels
