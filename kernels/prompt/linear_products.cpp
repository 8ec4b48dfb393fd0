#include "kernels/prompt/linear_products.h"

#include <algorithm>
#include <string>

namespace caldera::kernels::cuda {
namespace {

int64_t rowBytes(int columns) {
    return static_cast<int64_t>(sizeof(uint16_t)) * promptStride(columns);
}

MatrixRows inputRows(const PromptVectors& x, int tokens) {
    return {x.numbers, tokens, x.stride};
}

} // namespace

int promptSliceRows(int columns) {
    const int64_t blocks = kPromptTileBytes / rowBytes(columns) / kQuantizedBlock;
    return static_cast<int>(
        std::clamp<int64_t>(blocks * kQuantizedBlock, kQuantizedBlock, kPromptSliceRows));
}

int64_t promptTileBytes(int rows, int columns) {
    const int whole = (rows + kTrellisRows - 1) / kTrellisRows * kTrellisRows;
    return rowBytes(columns) * std::min(whole, promptSliceRows(columns));
}

LinearProducts::LinearProducts(const MatrixProducts& products, CudaStream stream, int tokens,
                               int mostRank, uint8_t* tile)
    : products_(products), stream_(stream), mostRank_(mostRank), tile_(tile),
      left_(static_cast<size_t>(kPromptSliceRows) * static_cast<size_t>(mostRank)) {
    const auto vectors = static_cast<size_t>(tokens);
    for (Place& place : places_) {
        place.product = DeviceMemory<float>(vectors * kPromptSliceRows);
        if (mostRank > 0) {
            place.correction = DeviceMemory<float>(vectors * kPromptSliceRows);
            place.reduced = DeviceMemory<float>(vectors * static_cast<size_t>(mostRank));
        }
    }
}

MatrixRows LinearProducts::decode(const StepLinear& linear, int firstRow, int rows) const {
    const int columns = linear.columns;
    const PromptTile whole{rows, columns, tile()};
    const auto first = static_cast<int64_t>(firstRow);
    switch (linear.storage) {
    case StepStorage::Coded: {
        const int groups = (rows + kTrellisRows - 1) / kTrellisRows;
        const int64_t groupBytes =
            static_cast<int64_t>(columns / linear.code->columns) * linear.code->groupBytes;
        promptDecode(*linear.code, linear.codes + first / kTrellisRows * groupBytes,
                     {groups * kTrellisRows, columns, tile()}, stream_);
        return {tile(), rows, promptStride(columns)};
    }
    case StepStorage::Bfloat16:
        promptConvertBfloat16(linear.codes + first * columns * 2, whole, stream_);
        return {tile(), rows, promptStride(columns)};
    case StepStorage::Float16:
        return {linear.codes + first * columns * 2, rows, columns};
    default:
        throw KernelError("prompt: linears stored as " +
                          std::to_string(static_cast<int>(linear.storage)) +
                          " (StepStorage) have no product with many tokens; codes, bf16 and "
                          "fp16 have one.");
    }
}

MatrixRows LinearProducts::decodeRight(const StepLinear& linear, int firstRow, int rows) const {
    const int columns = linear.columns;
    const auto first = static_cast<int64_t>(firstRow);
    if (linear.right.storage == StepStorage::Float16) {
        return {linear.right.codes + first * columns * 2, rows, columns};
    }
    promptDecodeLevels(linear.right.codes + first * ((columns + 1) / 2), {rows, columns, tile()},
                       stream_);
    return {tile(), rows, promptStride(columns)};
}

void LinearProducts::reduce(const StepLinear& linear, const PromptVectors& x, int tokens,
                            int place) {
    if (linear.rank > mostRank_) {
        throw KernelError("prompt: a linear has rank " + std::to_string(linear.rank) +
                          ", where there is room for " + std::to_string(mostRank_) + ".");
    }
    const int sliceRows = promptSliceRows(linear.columns);
    for (int first = 0; first < linear.rank; first += sliceRows) {
        MatrixProduct product;
        product.x = inputRows(x, tokens);
        product.w = decodeRight(linear, first, std::min(sliceRows, linear.rank - first));
        product.depth = x.columns;
        product.y = places_[static_cast<size_t>(place)].reduced.data() + first;
        product.stride = linear.rank;
        products_.multiply(product);
    }
}

void LinearProducts::multiplyLeft(const StepLinear& linear, int tokens, int firstRow, int rows,
                                  const Place& place) const {
    promptDecodeLeft(linear.left, firstRow, rows, linear.rank, linear.factorScale, left_.data(),
                     stream_);
    MatrixProduct product;
    product.x = {place.reduced.data(), tokens, linear.rank};
    product.w = {left_.data(), rows, linear.rank};
    product.depth = linear.rank;
    product.y = place.correction.data();
    product.stride = kPromptSliceRows;
    product.isFloat = true; // R x has no scale that fp16 would need
    products_.multiply(product);
}

PromptProduct LinearProducts::multiply(const StepLinear& linear, const PromptVectors& x, int tokens,
                                       int firstRow, int place) {
    const Place& own = places_[static_cast<size_t>(place)];
    const int rows = std::min(promptSliceRows(linear.columns), linear.rows - firstRow);
    MatrixProduct product;
    product.x = inputRows(x, tokens);
    product.w = decode(linear, firstRow, rows);
    product.depth = x.columns;
    product.y = own.product.data();
    product.stride = kPromptSliceRows;
    products_.multiply(product);

    PromptProduct slice;
    slice.product = own.product.data();
    if (linear.rank > 0) {
        multiplyLeft(linear, tokens, firstRow, rows, own);
        slice.correction = own.correction.data();
    }
    slice.tokenScale = x.scale;
    slice.unit = linear.storage == StepStorage::Bfloat16 ? kPromptBfloat16Unit : 1;
    slice.firstRow = firstRow;
    slice.rows = rows;
    slice.result.rows = linear.rows;
    slice.result.block = linear.outBlock;
    slice.result.scale = linear.scale;
    slice.result.sign = linear.outSign;
    slice.result.bias = linear.bias;
    slice.result.rowScale = linear.rowScale;
    return slice;
}

} // namespace caldera::kernels::cuda
