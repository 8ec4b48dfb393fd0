// Products of linears with many vectors: stored rows are decoded a slice at a time and multiplied
// by cuBLAS. Only in builds with CUDA.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/common/device_memory.h"
#include "kernels/prompt/matrix_products.h"
#include "kernels/prompt/prompt_cuda.h"

namespace caldera::kernels::cuda {

/// Of a slice's decoded rows. With down's 29568 columns it has 2048 rows: tiles of products for 128
/// of a large GPU's multiprocessors, which work on 2048 tokens at once.
inline constexpr int64_t kPromptTileBytes = 116 << 20;

/// Rows of a slice of a matrix with so many columns: a multiple of kQuantizedBlock, as they are
/// rotated.
int promptSliceRows(int columns);
/// Bytes that the decoded rows of a slice take, of a matrix with at most so many rows.
int64_t promptTileBytes(int rows, int columns);

class LinearProducts {
public:
    /// Products of up to kPlaces linears are there at once.
    static constexpr int kPlaces = 2;

    /// For at most so many tokens and ranks up to `mostRank`. The tile [promptTileBytes() of every
    /// linear] and `products` live longer and work on the same stream. Throws KernelError.
    LinearProducts(const MatrixProducts& products, CudaStream stream, int tokens, int mostRank,
                   uint8_t* tile);

    /// R x, kept in a place until it is used again there. Throws KernelError.
    void reduce(const StepLinear& linear, const PromptVectors& x, int tokens, int place);
    /// The slice of rows that begins at firstRow, a multiple of promptSliceRows(); reduce() came
    /// before. It is there until the place is used again. Throws KernelError.
    PromptProduct multiply(const StepLinear& linear, const PromptVectors& x, int tokens,
                           int firstRow, int place);

private:
    struct Place {
        DeviceMemory<float> product;    ///< [tokens, kPromptSliceRows]
        DeviceMemory<float> correction; ///< likewise
        DeviceMemory<float> reduced;    ///< [tokens, mostRank]
    };
    MatrixRows decode(const StepLinear& linear, int firstRow, int rows) const;
    MatrixRows decodeRight(const StepLinear& linear, int firstRow, int rows) const;
    void multiplyLeft(const StepLinear& linear, int tokens, int firstRow, int rows,
                      const Place& place) const;
    uint16_t* tile() const { return reinterpret_cast<uint16_t*>(tile_); }

    const MatrixProducts& products_;
    CudaStream stream_;
    int mostRank_;
    uint8_t* tile_;
    DeviceMemory<float> left_; ///< rows of L [kPromptSliceRows, mostRank]
    std::array<Place, kPlaces> places_;
};

} // namespace caldera::kernels::cuda
