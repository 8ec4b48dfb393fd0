// One step of a model on a GPU: what a single kernel works through, phase by phase, for one new
// token of each of a few sequences. Plain data that a runtime prepares once; all pointers are
// memory that the GPU reads.
#pragma once

#include <cstdint>

#include "kernels/activation/activation.h"

namespace caldera::kernels {

inline constexpr int kStepSequences = 16; ///< most sequences of a step
inline constexpr int kMostSharing = 16;   ///< query heads of a key head
inline constexpr int kMostHeadSize = 256;
inline constexpr int kMostQuery = 2048;      ///< numbers of a key head's query heads together
inline constexpr int kMostInputBlocks = 512; ///< blocks of 128 columns of a product's input
inline constexpr int kPageTokens = 64;       ///< tokens of a page of the cache
/// Bytes after the codes of Coded rows that may be read, whatever they are.
inline constexpr int kCodesBeyond = 4096;
/// Units of what factors' products are summed in.
inline constexpr float kTotalUnits = 4294967296.0F;
inline constexpr int kAttentionParts = 16; ///< most parts that a sequence's context is split into

/// How the rows of a matrix are stored.
enum class StepStorage : int32_t {
    Coded,    ///< one of stepCodes(); the phase says which
    Lloyd4,   ///< row-major numbers of the 16 Lloyd levels, low nibble first
    Int4,     ///< row-major, low nibble first, value = code - 8, a scale per 64 columns
    Int8,     ///< row-major
    Bfloat16, ///< row-major
    Float16,  ///< row-major
};

/// Inputs of products, one vector a sequence: value = code * scale.
struct alignas(16) StepVector {
    void* codes = nullptr;  ///< int8 or int16 [sequences, 128 * blocks]
    float* scale = nullptr; ///< [sequences, blocks]
    float* sum = nullptr;   ///< [sequences, blocks] of a block's codes, exact
    int32_t blocks = 0;     ///< of 128 columns
    int32_t bits = 8;       ///< of a code: 8 or 16
};

/// The product of one matrix with a vector, its rows in groups of 16 and its columns in parts that
/// are summed apart: partial[sequence, split, 16 g + i].
struct StepProduct {
    StepStorage storage = StepStorage::Coded;
    int32_t groups = 0;      ///< of 16 rows; rows beyond the matrix are never stored
    int32_t rows = 0;        ///< real rows
    int32_t splits = 1;      ///< parts of the columns
    int32_t splitBlocks = 0; ///< blocks of 128 columns in a part
    int32_t firstItem = 0;   ///< of the phase's items: groups x splits of them, group-major
    int32_t columns = 0;     ///< as the codes are padded
    float inverseSplits = 1; ///< 1 / splits
    /// Coded: kCodesBeyond bytes after the last may be read, whatever they are.
    const uint8_t* codes = nullptr;
    const void* scale = nullptr; ///< Int4: fp16 [rows, ceil(columns / 64)]; others: none
    float* partial = nullptr;
    /// Of a factor: where its sums are added instead, see StepLaunch::totals; -1: they are not.
    int32_t totals = -1;
};

inline constexpr int kStepMembers = 3;                 ///< of a group: q, k and v
inline constexpr int kStepProducts = 2 * kStepMembers; ///< Q or R of each
/// Rows of an item of a factor in 4 bits, and columns that it has some times.
inline constexpr int kFactorRows = 4;
inline constexpr int kFactorColumns = 256;

/// Bytes that are fetched into the second-level cache before they are needed.
struct StepAhead {
    const void* bytes = nullptr;
    int32_t count = 0;
};

/// Numbers of a products' input that the end of every row needs.
struct StepFacts {
    const float* squares = nullptr; ///< [sequences, squareBlocks]; null: the input had no norm
    int32_t squareBlocks = 0;
    int32_t normSize = 0;
    float epsilon = 0;
    float* inverseRms = nullptr; ///< [sequences]: 1 / RMS of what the input was made of
    float* halfSteps = nullptr; ///< [sequences]: half of the sum of the rotated input; null: unused
};

/// Products with one input: of a group's Q and R, or of the head. Matrices with other codes
/// follow in a phase of their own, without a barrier between.
struct ProductPhase {
    /// Those with a code come first, factors in 4 bits last.
    StepProduct products[kStepProducts];
    int32_t productCount = 0;
    int32_t items = 0;       ///< of all but those factors
    int32_t factorCount = 0; ///< factors in 4 bits
    int32_t factorItems = 0; ///< of kFactorRows rows, counted apart
    int32_t code = 0;        ///< of Coded: a place in stepCodes()
    int32_t codedCount = 0;  ///< products with that code; 0: no table is needed
    int32_t isStaged = 0;    ///< 1: factors or codes want the rotated input
    /// Blocks of 128 columns of a piece, see StepBatch; 0: vectors go one after another.
    int32_t batchBlocks = 0;
    /// The same where the only product is Int4 or Int8 and the vectors have 16 bits.
    int32_t tableBlocks = 0;
    const int8_t* entries = nullptr; ///< that code's table
    StepVector rotated;              ///< input of Coded, Lloyd4 and Float16
    StepVector plain;                ///< input of the others
    StepFacts facts;                 ///< pointers null: another phase of the group writes them
};

/// What turns a product into values: scales, half steps, L R, rotation and bias.
struct alignas(16) StepResult {
    const float* partial = nullptr; ///< [sequences, splits, paddedRows]
    int32_t splits = 1;
    int32_t paddedRows = 0;
    int32_t rows = 0;
    int32_t block = 1;            ///< of the Hadamard transform
    float blockScale = 1;         ///< 1 / sqrt(block)
    const float* scale = nullptr; ///< [paddedRows / 16] of Q, times the table's step; null: 1
    /// StepFacts::halfSteps where Q = (entry + 1/2) step; null: Q = entry step.
    const float* halfSteps = nullptr;
    int32_t rank = 0;
    const uint16_t* sign = nullptr;                ///< fp16 [rows]; null: 1
    const float* bias = nullptr;                   ///< [rows]; null: 0
    const float* rowScale = nullptr;               ///< [rows]; null: 1
    const uint8_t* left = nullptr;                 ///< L [rows, rank]
    StepStorage leftStorage = StepStorage::Lloyd4; ///< or Float16
    int32_t totals = -1;                ///< R x [sequences, rank], see StepLaunch::totals
    const float* factorScale = nullptr; ///< [rank] of L times R
    float* values = nullptr;            ///< where they go, [sequences, rows]; null: nowhere
};

/// What becomes of a vector before the next products: norm, rotation, rounding.
struct alignas(16) StepInput {
    int32_t size = 0;
    int32_t block = 1;
    float blockScale = 1;           ///< 1 / sqrt(block)
    int32_t isEven = 0;             ///< 1: whole, aligned quads of numbers, in blocks of 128
    const float* norm = nullptr;    ///< [size]; null: 1. The division by the RMS comes later.
    const uint16_t* sign = nullptr; ///< fp16 [size]; null: 1
    float* squares = nullptr;       ///< [sequences, blocks]: sums of squares; null: not wanted
    StepVector rotated;             ///< codes null: not wanted
    StepVector plain;               ///< not rotated; codes null: not wanted
};

/// The embedding of each sequence's token becomes the hidden vector.
struct EmbedPhase {
    StepStorage storage = StepStorage::Bfloat16; ///< Int4, Int8, Bfloat16 or Float16
    int32_t columns = 0;
    const uint8_t* rows = nullptr;   ///< may be pinned memory of the host
    const uint16_t* scale = nullptr; ///< fp16; Int4: [rows, columns / 64], Int8: [rows]
    float* hidden = nullptr;         ///< [sequences, columns]
    StepInput next;
};

enum class FinishKind : int32_t {
    Values,   ///< written, nothing else
    Residual, ///< result 0 is added to the hidden vector, which becomes the next input
    SwiGlu,   ///< silu(result 0) * result 1 becomes the next input
};

/// A vector that ends products: four of its elements have so many bytes.
struct EndVector {
    const void* from = nullptr; ///< of the first sequence; null: there is none
    int32_t fourBytes = 0;      ///< 16 or 8
    int32_t size = 0;           ///< elements
};

/// Places of FinishPhase::ends: of each of three results its first three, then of the next input
/// and the hidden vector.
enum EndPlace { kEndSign, kEndRowScale, kEndBias, kEndNorm = 9, kEndNextSign, kEndHidden };
inline constexpr int kEndVectors = kEndHidden + 1;
inline constexpr int kEndsOfResult = 3;

struct FinishPhase {
    FinishKind kind = FinishKind::Values;
    int32_t resultCount = 0;
    int32_t isBatched = 0; ///< 1: a team has several sequences, for which there is room
    int32_t blocks = 0;    ///< of 128 rows, of all results; of gate and up, of one of them
    int32_t firstBlock[kStepMembers] = {}; ///< of each result
    EndVector ends[kEndVectors] = {};
    StepResult results[kStepMembers];
    const float* inverseRms = nullptr; ///< StepFacts::inverseRms
    float* hidden = nullptr;           ///< [sequences, rows]
    StepInput next;
};

/// The cache of one layer: pages of kPageTokens tokens.
struct StepCache {
    void* keys = nullptr;        ///< fp16 or int8 [pages, kvHeads, kPageTokens, headSize]
    void* values = nullptr;      ///< likewise
    float* keyScale = nullptr;   ///< int8: [pages, kvHeads, kPageTokens]
    float* valueScale = nullptr; ///< likewise
    int32_t bits = 16;
};

/// The sums of parts of the context: not divided, relative to the part's largest score.
struct AttentionParts {
    float* sum = nullptr;     ///< [sequences, heads, kAttentionParts, headSize]
    float* largest = nullptr; ///< [sequences, heads, kAttentionParts]
    float* weight = nullptr;  ///< likewise: the sum of the exponentials
};

/// The new token's key and value go into the cache, and its queries see everything up to it.
struct alignas(16) AttendPhase {
    int32_t heads = 0;
    int32_t kvHeads = 0;
    int32_t sharing = 0; ///< heads of a key head; StepProgram::attend() works it out
    int32_t headSize = 0;
    int32_t tableWidth = 0;         ///< pages of a row of the page table
    const float* queries = nullptr; ///< [sequences, heads, headSize], not yet rotated
    const float* keys = nullptr;    ///< [sequences, kvHeads, headSize], likewise
    const float* values = nullptr;  ///< [sequences, kvHeads, headSize]
    const float* cosines = nullptr; ///< [context, headSize / 2]
    const float* sines = nullptr;   ///< likewise
    const int32_t* pages = nullptr; ///< [slots, tableWidth]
    StepCache cache;
    AttentionParts parts;
};

/// Parts of the context are joined into the input of o_proj.
struct alignas(16) CombinePhase {
    int32_t heads = 0;
    int32_t headSize = 0;
    AttentionParts parts;
    StepInput next;
};

enum class PhaseKind : int32_t { Embed, Product, Finish, Attend, Combine };

inline constexpr int kStepSoon = 24; ///< small things that the phase after this one reads
inline constexpr int kStepAhead = 8; ///< codes of the next products

struct alignas(16) StepPhase {
    PhaseKind kind = PhaseKind::Embed;
    int32_t isEven = 0;          ///< 1: whole, aligned quads of numbers, in blocks of 128
    int32_t barrier = 1;         ///< 0: the next phase does not need what this one writes
    StepAhead soon[kStepSoon];   ///< fetched at the beginning
    StepAhead ahead[kStepAhead]; ///< fetched at the end
    EmbedPhase embed;
    ProductPhase product;
    FinishPhase finish;
    AttendPhase attend;
    CombinePhase combine;
};

/// What changes from step to step: a token for each of several sequences, or, in the kernel for
/// several, also tokens that follow one another in a sequence, side by side in their order.
struct StepState {
    int32_t count = 0; ///< tokens
    int32_t token[kStepSequences] = {};
    int32_t position[kStepSequences] = {}; ///< of the token: so many are before it
    int32_t slot[kStepSequences] = {};     ///< row of the page table
};

} // namespace caldera::kernels
