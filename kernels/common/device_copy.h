// Constant data on a GPU.
#pragma once

#include <cstddef>

namespace caldera::kernels {

/// The copy of `bytes` bytes at `data` on the current device, made at the first call and kept until
/// the program ends. The data never changes and lives as long as the program. Thread-safe. Throws
/// KernelError.
const void* deviceCopy(const void* data, size_t bytes);

} // namespace caldera::kernels
