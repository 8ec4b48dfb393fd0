#include "core/forward/tensor_bytes.h"

#include <ATen/ATen.h>

namespace caldera {

namespace {

/// at::from_blob wants a mutable pointer; the conversion to f32 copies before anything writes.
torch::Tensor convert(const void* data, at::IntArrayRef shape, at::ScalarType type) {
    return at::from_blob(const_cast<void*>(data), shape, at::TensorOptions(type)).to(at::kFloat);
}

} // namespace

torch::Tensor fp16Tensor(std::span<const uint16_t> bits, at::IntArrayRef shape) {
    return convert(bits.data(), shape, at::kHalf);
}

torch::Tensor bf16Tensor(std::span<const uint16_t> bits, at::IntArrayRef shape) {
    return convert(bits.data(), shape, at::kBFloat16);
}

} // namespace caldera
