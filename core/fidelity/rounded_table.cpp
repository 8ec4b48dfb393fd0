#include "core/fidelity/rounded_table.h"

#include <span>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/artifact/table_codes.h"
#include "core/plan/packing.h"

namespace caldera {

namespace {

/// One row as an artifact would hold it.
void roundRow(std::span<const float> values, int bits, float* out) {
    const auto columns = static_cast<int64_t>(values.size());
    const TableRow layout = tableRow(bits, columns);
    std::vector<std::byte> codes(static_cast<size_t>(layout.codeBytes));
    std::vector<uint16_t> scales(static_cast<size_t>(layout.scales));
    if (bits == 4) {
        encodeFourBit(values, reinterpret_cast<uint8_t*>(codes.data()), scales.data());
    } else {
        scales.front() = encodeEightBit(values, reinterpret_cast<int8_t*>(codes.data()));
    }
    decodeTableRow({{1, columns}, bits, codes, scales}, 0, out);
}

} // namespace

torch::Tensor roundedRows(const torch::Tensor& x, int bits) {
    const torch::Tensor values = x.to(at::kCPU, at::kFloat).contiguous();
    torch::Tensor rounded = at::empty_like(values);
    const int64_t columns = x.size(-1);
    const float* in = values.data_ptr<float>();
    auto* out = rounded.data_ptr<float>();
    at::parallel_for(0, values.numel() / columns, 16, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            roundRow({in + row * columns, static_cast<size_t>(columns)}, bits, out + row * columns);
        }
    });
    return rounded.to(x.device());
}

} // namespace caldera
