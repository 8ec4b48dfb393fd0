// From the name of a device to the device.
#pragma once

#include <string>

#include <torch/types.h>

namespace caldera {

/// "cpu", "cuda" or "cuda:1". Throws Error("device.*") when the name is unknown or this build or
/// machine has no such device.
torch::Device deviceOf(const std::string& name);

} // namespace caldera
