// What a kernel launch throws.
#pragma once

#include <stdexcept>

namespace caldera::kernels {

/// A launch or a device call failed, or arguments are outside a kernel's limits. what() names the
/// operation and says what came and what was needed.
class KernelError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace caldera::kernels
