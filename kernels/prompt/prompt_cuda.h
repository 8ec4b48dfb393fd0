// What a prompt's tokens go through on a GPU beside the products of cuBLAS: many tokens of one
// sequence at once. Only in builds with CUDA; all pointers are memory that the GPU reads. All
// functions throw KernelError.
#pragma once

#include <cstdint>

#include "kernels/common/cuda_stream.h"
#include "kernels/step/program.h"
#include "kernels/step/step.h"

namespace caldera::kernels::cuda {

/// Rows of a linear that are multiplied at once, at most; whole blocks of any rotation.
inline constexpr int kPromptSliceRows = 2048;

/// Numbers from one row of 16-bit memory to the next: rows begin at multiples of 16 bytes.
inline int promptStride(int columns) {
    return (columns + 7) / 8 * 8;
}

/// Inputs of products: value = number * scale[token]. A scale is a power of two that brings the
/// token's largest magnitude to [2^14, 2^15): fp16 alone would overflow where a model was trained
/// with wider exponents, and bf16 would lose three bits of every value.
struct PromptVectors {
    uint16_t* numbers = nullptr; ///< fp16 [tokens, stride]
    float* scale = nullptr;      ///< [tokens]
    int columns = 0;
    int stride = 0; ///< promptStride(columns)
};

/// Values to become inputs: normed where `way.norm` is there, times the signs, rotated.
struct PromptInput {
    const float* values = nullptr; ///< [tokens, way.size]
    StepInput way;                 ///< size, block, norm and sign
    float epsilon = 0;
};

void promptInput(const PromptInput& input, int tokens, const PromptVectors& out, CudaStream stream);

/// Some rows of a linear times the numbers of many vectors, in the rotated basis.
struct PromptProduct {
    const float* product = nullptr;    ///< of Q [tokens, kPromptSliceRows], times `unit`
    const float* correction = nullptr; ///< of L R, likewise; null: none
    const float* tokenScale = nullptr; ///< [tokens] of the vectors
    float unit = 1;                    ///< of the product where the result has no scales
    int firstRow = 0;                  ///< of the linear: a multiple of 128
    int rows = 0;                      ///< in this slice
    StepResult result;                 ///< rows, block, scale, sign, bias, rowScale and values
};

/// Rotates back; the values go to result.values [tokens, result.rows] and are added to `hidden`
/// [tokens, result.rows], each unless it is null.
void promptFinish(const PromptProduct& product, int tokens, float* hidden, CudaStream stream);

/// Slices of the input of down, whose largest value is known when all of them are there.
struct PromptGate {
    StepInput next;              ///< size, block and sign of down's input
    uint16_t* numbers = nullptr; ///< fp16 [tokens, stride], with the scale of token and slice
    int stride = 0;
    float* sliceScale = nullptr; ///< [tokens, slices]
    int slices = 0;
    int sliceRows = 0; ///< columns of down's input in a slice: a multiple of 128
};

/// silu(gate) * up of one slice becomes a part of down's input.
void promptGate(const PromptProduct& gate, const PromptProduct& up, const PromptGate& out,
                int tokens, CudaStream stream);
/// Gives all slices of a token one scale [tokens].
void promptJoinSlices(const PromptGate& gate, float* scale, int tokens, CudaStream stream);

/// 16-bit rows [.., promptStride(columns)].
struct PromptTile {
    int rows = 0;
    int columns = 0;
    uint16_t* numbers = nullptr;
};

/// Groups of 16 coded rows as fp16: number + 1/2, exactly, without any scale. `codes` begins with
/// the tile's first group; tile.rows is a multiple of 16.
void promptDecode(const StepCode& code, const uint8_t* codes, const PromptTile& tile,
                  CudaStream stream);
/// Levels of 4 bits as fp16.
void promptDecodeLevels(const uint8_t* codes, const PromptTile& tile, CudaStream stream);
/// bf16 [rows, columns] times 16 as fp16: exact for magnitudes from 2^-21 to 4080.
inline constexpr float kPromptBfloat16Unit = 1.0F / 16;
void promptConvertBfloat16(const uint8_t* rows, const PromptTile& tile, CudaStream stream);
/// Rows of L times scale [rank], in f32 with the bits that TF32 keeps: [rows, rank]. `first`: the
/// first row.
void promptDecodeLeft(const StepFactor& left, int first, int rows, int rank, const float* scale,
                      float* values, CudaStream stream);

/// Tokens of one sequence.
struct PromptChunk {
    int tokens = 0;
    int first = 0; ///< position of the first of them
    int slot = 0;  ///< row of the page table
};

/// Keys and values of the chunk go into the cache; its queries, turned and divided by
/// sqrt(headSize), become fp16 [tokens, heads, headSize]. In `phase` tokens take the place of
/// sequences.
void promptPlace(const AttendPhase& phase, const PromptChunk& chunk, uint16_t* queries,
                 CudaStream stream);
/// Keys and values of one key head as fp16 [padded, headSize], zeros from token `length` on.
struct PromptContext {
    int kvHead = 0;
    int slot = 0;
    int length = 0;
    int padded = 0;
    uint16_t* keys = nullptr;
    uint16_t* values = nullptr;
};
void promptGather(const AttendPhase& phase, const PromptContext& context, CudaStream stream);

/// Scores f32 [heads, queries, padded] become weights fp16 in the same memory: the first half of
/// each row. Query i sees `visible` + i tokens. Weights are divided by kPromptWeightUnit, so that
/// small ones keep their bits.
inline constexpr float kPromptWeightUnit = 1.0F / 4096;
struct PromptScores {
    float* scores = nullptr;
    int heads = 0;
    int queries = 0;
    int padded = 0;
    int visible = 0;
};
void promptSoftmax(const PromptScores& scores, CudaStream stream);

/// Embeddings of tokens [tokens]: table.hidden [tokens, columns].
void promptEmbed(const EmbedPhase& table, const int32_t* tokens, int count, CudaStream stream);
/// x / RMS * norm of one vector [size].
void promptNorm(const float* x, const float* norm, int size, float epsilon, float* normed,
                CudaStream stream);
/// logits [rows] of the head times one vector [columns].
void promptLogits(const StepLinear& head, const float* x, int columns, float* logits,
                  CudaStream stream);

} // namespace caldera::kernels::cuda
