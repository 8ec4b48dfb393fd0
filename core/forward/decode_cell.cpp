#include "core/forward/decode_cell.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/half.h"
#include "core/codec/codec.h"
#include "core/codec/transform.h"
#include "core/forward/tensor_bytes.h"
#include "core/linalg/rotation.h"

namespace caldera {

namespace {

/// Rows of codes decoded by one thread at a time.
constexpr int64_t kRowsPerTask = 4 * kRowGroup;

/// Q with its scales, without padding.
torch::Tensor decodeQ(const PackedView& q) {
    const auto codec = makeCodec(q.codec);
    const auto [rows, columns] = q.shape;
    const int64_t paddedRows = padTo(rows, kRowGroup);
    const int64_t paddedColumns = padTo(columns, codec->blockColumns());
    torch::Tensor values = at::empty({paddedRows, paddedColumns}, at::kFloat);
    float* data = values.data_ptr<float>();
    const int64_t tasks = (paddedRows + kRowsPerTask - 1) / kRowsPerTask;
    at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
        const int64_t first = begin * kRowsPerTask;
        const int64_t count = std::min(end * kRowsPerTask, paddedRows) - first;
        float* out = data + first * paddedColumns;
        codec->decodeRows(q.codes, q.shape, first, count,
                          {out, static_cast<size_t>(count * paddedColumns)});
        for (int64_t row = 0; row < count; ++row) {
            const float scale =
                fp16ToFloat(q.scale[static_cast<size_t>((first + row) / kRowGroup)]);
            for (int64_t column = 0; column < paddedColumns; ++column) {
                out[row * paddedColumns + column] *= scale;
            }
        }
    });
    return values.narrow(0, 0, rows).narrow(1, 0, columns); // [rows, columns]
}

/// L or R before scaling.
torch::Tensor decodeFactor(const PackedView& factor) {
    const auto codec = makeFactorCodec(factor.codec);
    torch::Tensor values = at::empty({factor.shape.rows, factor.shape.columns}, at::kFloat);
    codec->decode(factor.codes, factor.shape,
                  {values.data_ptr<float>(), static_cast<size_t>(factor.shape.size())});
    return values;
}

PackedView viewOf(const PackedMatrix& matrix) {
    return {matrix.codec, matrix.shape, matrix.codes, matrix.scale};
}

} // namespace

torch::Tensor decodeCell(const ArtifactCell& cell, torch::Device device) {
    if (!cell.dense.empty()) {
        return bf16Tensor(cell.dense, {cell.q.shape.rows, cell.q.shape.columns}).to(device);
    }
    torch::Tensor weight = decodeQ(cell.q).to(device); // [rows, columns]
    if (cell.rank() > 0) {
        const int64_t rank = cell.rank();
        const torch::Tensor left =
            decodeFactor(cell.l) * fp16Tensor(cell.l.scale, {1, rank}); // [rows, rank]
        const torch::Tensor right =
            decodeFactor(cell.r) * fp16Tensor(cell.r.scale, {rank, 1}); // [rank, columns]
        weight = at::addmm(weight, left.to(device), right.to(device));
    }
    const int64_t rows = cell.q.shape.rows;
    const int64_t columns = cell.q.shape.columns;
    weight = rotateColumns(weight, transformBlock(cell.transform, columns));
    weight = rotateRows(weight, transformBlock(cell.transform, rows));
    const torch::Tensor outSign = fp16Tensor(cell.outSign, {rows, 1}).to(device);
    const torch::Tensor inSign = fp16Tensor(cell.inSign, {1, columns}).to(device);
    return weight * outSign * inSign; // [rows, columns]
}

ArtifactCell viewOf(const CompressedCell& cell) {
    ArtifactCell view;
    view.cell = cell.cell;
    view.q = viewOf(cell.q);
    view.l = viewOf(cell.l);
    view.r = viewOf(cell.r);
    view.outSign = cell.outSign;
    view.inSign = cell.inSign;
    view.transform = cell.report.settings.transform;
    return view;
}

} // namespace caldera
