// From a code at run time to what is compiled for its shape.
#pragma once

#include <string>

#include "kernels/common/kernel_error.h"
#include "kernels/trellis/trellis.h"

namespace caldera::kernels {

/// V, k and m of a code at compile time.
template <int kV, int kK, int kM>
struct TrellisCodeShape {
    static constexpr int kColumns = kV;
    static constexpr int kNewBits = kK;
    static constexpr int kMemoryBits = kM;
};

/// Calls run with the code's TrellisCodeShape. Throws KernelError for shapes that nothing is
/// compiled for: "<operation>: the GPU has no <what> for <id>."
template <class Run>
void withCodeShape(const TrellisCode& code, const std::string& operation, const std::string& what,
                   const Run& run) {
    const auto is = [&](int columns, int newBits, int memoryBits) {
        return code.columns == columns && code.newBits == newBits && code.memoryBits == memoryBits;
    };
    if (is(4, 6, 6)) {
        run(TrellisCodeShape<4, 6, 6>{});
    } else if (is(4, 8, 4)) {
        run(TrellisCodeShape<4, 8, 4>{});
    } else if (is(4, 10, 4)) {
        run(TrellisCodeShape<4, 10, 4>{});
    } else if (is(2, 6, 6)) {
        run(TrellisCodeShape<2, 6, 6>{});
    } else if (is(2, 8, 4)) {
        run(TrellisCodeShape<2, 8, 4>{});
    } else {
        throw KernelError(operation + ": the GPU has no " + what + " for " + code.id + ".");
    }
}

} // namespace caldera::kernels
