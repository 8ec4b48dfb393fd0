// What a GPU's memory gives.
#pragma once

#include <cstddef>

namespace caldera::kernels {

/// Bytes a second, read and written ones together, of copies inside the current device's memory:
/// what nothing that reads it can pass. The median of some, of `most` bytes each or of fewer where
/// there is no room; 0 without a GPU, or where not even a few MiB are left. Takes milliseconds.
double deviceCopySpeed(size_t most = size_t{1} << 30);

} // namespace caldera::kernels
