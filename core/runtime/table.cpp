#include "core/runtime/table.h"

#include <algorithm>

#include "core/base/half.h"
#include "kernels/dense/dense.h"

namespace caldera {

namespace {

constexpr int64_t kUnitRows = 256;

} // namespace

Table::Table(const ArtifactTable& table) : table_(table) {
    for (const uint16_t scale : table.rowScale) {
        rowScale_.push_back(fp16ToFloat(scale));
    }
}

int64_t Table::bytes() const {
    return static_cast<int64_t>(table_.codes.size_bytes() + table_.rowScale.size_bytes());
}

void Table::row(int64_t index, float* out) const {
    const int64_t columns = table_.shape.columns;
    if (rowScale_.empty()) {
        const auto* values = reinterpret_cast<const uint16_t*>(table_.codes.data());
        std::transform(values + index * columns, values + (index + 1) * columns, out, bf16ToFloat);
        return;
    }
    const auto* values = reinterpret_cast<const int8_t*>(table_.codes.data());
    const float scale = rowScale_[static_cast<size_t>(index)];
    std::transform(values + index * columns, values + (index + 1) * columns, out,
                   [scale](int8_t value) { return scale * static_cast<float>(value); });
}

void Table::multiply(ThreadPool& pool, const float* x, std::span<float> out) const {
    const auto [rows, columns] = table_.shape;
    const kernels::InputVectors input{x, 1, columns};
    const int64_t units = (rows + kUnitRows - 1) / kUnitRows;
    pool.run(units, [&, rows = rows, columns = columns](int64_t unit, int) {
        const int64_t first = unit * kUnitRows;
        const int64_t count = std::min(kUnitRows, rows - first);
        float* y = out.data() + first;
        if (rowScale_.empty()) {
            const auto* values = reinterpret_cast<const uint16_t*>(table_.codes.data());
            kernels::multiply(
                kernels::RowBlock<uint16_t>{values + first * columns, count, columns, columns},
                input, {y, rows});
            return;
        }
        const auto* values = reinterpret_cast<const int8_t*>(table_.codes.data());
        kernels::multiply(
            kernels::RowBlock<int8_t>{values + first * columns, count, columns, columns}, input,
            {y, rows});
        for (int64_t i = 0; i < count; ++i) {
            y[i] *= rowScale_[static_cast<size_t>(first + i)];
        }
    });
}

} // namespace caldera
