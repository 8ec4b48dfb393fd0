// Bytes of an artifact as f32 tensors on the CPU (copies: the map may be read-only).
#pragma once

#include <cstdint>
#include <span>

#include <torch/types.h>

namespace caldera {

/// fp16 bits; the shape must hold as many elements as came.
torch::Tensor fp16Tensor(std::span<const uint16_t> bits, at::IntArrayRef shape);
torch::Tensor bf16Tensor(std::span<const uint16_t> bits, at::IntArrayRef shape);

} // namespace caldera
