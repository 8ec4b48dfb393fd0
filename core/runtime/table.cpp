#include "core/runtime/table.h"

#include <algorithm>

#include "core/artifact/table_codes.h"
#include "core/base/half.h"
#include "kernels/nibble/nibble.h"

namespace caldera {

namespace {

constexpr int64_t kUnitRows = 512;

} // namespace

Table::Table(const ArtifactTable& table) : table_(table) {
    if (table.bits == 8) {
        rowScale_ = fp16ToFloats(table.scale);
    }
}

int64_t Table::bytes() const {
    return static_cast<int64_t>(table_.codes.size_bytes() + table_.scale.size_bytes());
}

void Table::row(int64_t index, float* out) const {
    decodeTableRow(table_, index, out);
}

void Table::multiplyRows(int64_t first, int64_t count, const Inputs& inputs,
                         const kernels::OutputVectors& y) const {
    const kernels::InputVectors& x = inputs.values;
    const int64_t columns = table_.shape.columns;
    const std::byte* codes = table_.codes.data() + first * table_.rowBytes();
    if (table_.bits == 16) {
        const auto* values = reinterpret_cast<const uint16_t*>(codes);
        kernels::multiply(kernels::RowBlock<uint16_t>{values, count, columns, columns}, x, y);
    } else if (table_.bits == 4) {
        const auto* numbers = reinterpret_cast<const uint8_t*>(codes);
        const uint16_t* scale = table_.scale.data() + first * table_.rowScales();
        kernels::multiply(kernels::NibbleRows{numbers, scale, count, columns}, inputs.codes, y);
    } else {
        const auto* values = reinterpret_cast<const int8_t*>(codes);
        kernels::multiply(kernels::RowBlock<int8_t>{values, count, columns, columns}, x, y);
        for (int64_t t = 0; t < x.count; ++t) {
            for (int64_t i = 0; i < count; ++i) {
                y.values[t * y.stride + i] *= rowScale_[static_cast<size_t>(first + i)];
            }
        }
    }
}

void Table::multiply(ThreadPool& pool, const kernels::InputVectors& x,
                     const kernels::OutputVectors& y) const {
    constexpr int kBits = 16; // 8 would show in the logits
    const int64_t rows = table_.shape.rows;
    kernels::QuantizedInputs codes;
    if (table_.bits == 4) {
        codes.resize(x.count, table_.shape.columns, kBits);
        pool.run(x.count, [&](int64_t t, int) { codes.set(t, x.values + t * x.stride); });
    }
    const Inputs inputs{x, codes.view()};
    pool.run((rows + kUnitRows - 1) / kUnitRows, [&](int64_t unit, int) {
        const int64_t first = unit * kUnitRows;
        multiplyRows(first, std::min(kUnitRows, rows - first), inputs,
                     {y.values + first, y.stride});
    });
}

} // namespace caldera
