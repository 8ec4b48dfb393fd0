// Shared memory of a step's thread blocks. Functions reach it by name, so that the compiler knows
// where it lies; references handed through calls would go through local memory.
#pragma once

#include <cuda_fp16.h>

#include "kernels/step/step.h"

namespace caldera::kernels::step {

inline constexpr int kStepThreads = 512; ///< so that a thread has 128 registers
inline constexpr int kTeamThreads = 256;
inline constexpr int kTeamRows = static_cast<int>(kQuantizedBlock);
/// Rank indices whose R x a team holds at once.
inline constexpr int kTeamRank = 256;

/// Whether thread blocks have 227 KiB of shared memory on GPUs that run what was compiled for an
/// architecture (9.0 is 90): servers'. Others have 99.
constexpr bool hasLargeSharedMemory(int architecture) {
    return architecture == 90 || architecture == 100 || architecture == 103;
}
#ifdef __CUDA_ARCH__
inline constexpr bool kIsLarge = hasLargeSharedMemory(__CUDA_ARCH__ / 10);
#else
inline constexpr bool kIsLarge = true; ///< hosts ask what was compiled, see step_cuda.cu
#endif

/// Copies of a code's table: lanes that read different copies never wait for one bank.
/// Sixteen copies of 8 KB leave two lanes to two banks, eight leave four to four.
constexpr int tableBytes(bool isLarge) {
    return isLarge ? 128 << 10 : 32 << 10;
}
inline constexpr int kTableBytes = tableBytes(kIsLarge);

/// Whether inputs of a table (batch_rows.cuh) come in pieces, each one part of its columns. A loop
/// over pieces takes registers from all that the kernel does; where there is room for whole inputs,
/// there is none.
inline constexpr bool kHasTablePieces = !kIsLarge;

/// Keys and values of a chunk of the cache in fp16, 64 tokens of a head of 128 (with 16 bytes more
/// a row, see attendRowBytes), and how many chunks are there at once.
inline constexpr int kCacheBytes = 2 * kPageTokens * (kMostHeadSize + 16);
constexpr int cacheBuffers(bool isLarge) {
    return isLarge ? 2 : 1;
}
inline constexpr int kCacheBuffers = cacheBuffers(kIsLarge);

/// Vectors that end a team's rows.
inline constexpr int kTeamVectors = 9;

struct alignas(16) TeamMemory {
    uint4 vectors[kTeamVectors][kTeamRows / 4]; ///< four elements of a lane
    float reduced[2][kTeamRank];
    float value[2][kTeamRows];
};

/// From a head's weights to the next one's, padded so that eight heads lie in different banks.
inline constexpr int kWeightStride = kPageTokens + 8;
/// Query heads in rows of fp16, two each: 16 of 128 numbers, or 8 of 256, and 8 more a row.
inline constexpr int kQueryHalves = 2 * kMostSharing * (kMostQuery / kMostSharing + 8);

/// Arrays [., kMostSharing] are by query head; chunks have tiles of eight tokens.
struct alignas(16) AttendMemory {
    __half queries[kQueryHalves];
    __half weights[2 * kMostSharing][kWeightStride]; ///< exponentials of the scores
    float largest[kPageTokens / 8][kMostSharing];    ///< score of a tile
    float weight[kPageTokens / 8][kMostSharing];     ///< a tile's sum of exponentials
    float valueScale[kPageTokens / 8];               ///< the largest of a tile
    float cosines[kMostHeadSize / 2];                ///< of the position
    float sines[kMostHeadSize / 2];
    float newKey[kMostHeadSize]; ///< of the new token, at its angle
};

struct alignas(16) ProductMemory {
    float scale[kMostInputBlocks]; ///< of the staged input
    uint4 factor[kStepThreads];    ///< codes of each warp's first item of a factor
};

/// A Lloyd level is at most 2.74, so that its units fit 16 bits.
inline constexpr float kLevelUnits = 8192;

/// Where the thread block is in the program. One thread writes it, see grid.cuh.
struct StepProgress {
    const StepPhase* phases; ///< all of them, in the GPU's memory
    int phaseCount;
    int index;       ///< of the current phase
    int current;     ///< its place
    uint32_t wanted; ///< arrivals of thread blocks that it waits for
    int tickets;     ///< items of a product that were taken
    int64_t* clocks; ///< where begins of phases are noted; null: nowhere
    /// StepLaunch::totals, the first of which the grid counts its arrivals in.
    unsigned long long* totals;
};

struct alignas(16) StepMemory {
    StepPhase phase[2]; ///< the current one and the next, on its way
    StepProgress progress;
    StepState state;
    int parts[kStepSequences];     ///< of a sequence's context
    int partPages[kStepSequences]; ///< pages of each
    float levels[16];              ///< of a factor, each in a bank of its own
    /// Levels of two 4-bit numbers by their byte, int16 in units of 1 / kLevelUnits: the lower
    /// number's in the lower half.
    int levelPairs[256];
    union {
        TeamMemory teams[kStepThreads / kTeamThreads];
        AttendMemory attend;
        ProductMemory product;
    };
};

constexpr int log2Of(int power) {
    return power <= 1 ? 0 : 1 + log2Of(power / 2);
}

__device__ inline StepMemory& stepMemory() {
    extern __shared__ int4 shared[];
    return *reinterpret_cast<StepMemory*>(shared);
}

__device__ inline const StepPhase& phaseAt(int place) {
    return stepMemory().phase[place];
}

/// Known from beginPhase() on.
__device__ inline const StepPhase& currentPhase() {
    return phaseAt(stepMemory().progress.current);
}

__device__ inline int* tableMemory() {
    return reinterpret_cast<int*>(&stepMemory() + 1);
}

/// A product's staged input: four int8 a word, or two int16.
__device__ inline int* inputMemory() {
    return tableMemory() + kTableBytes / 4;
}

/// A chunk of the cache: the place of a product's input, which attention does not have.
__device__ inline char* cacheMemory(int buffer) {
    return reinterpret_cast<char*>(inputMemory()) + buffer * kCacheBytes;
}

/// 4 bytes from global to shared memory while the thread goes on.
__device__ inline void copyWordLater(void* to, const void* from) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(address), "l"(from) : "memory");
}

/// 8 bytes, likewise.
__device__ inline void copyHalfLater(void* to, const void* from) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(address), "l"(from) : "memory");
}

/// 16 bytes, likewise.
__device__ inline void copyLater(void* to, const void* from) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
}

__device__ inline void commitCopies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/// Waits for the thread's own copies.
__device__ inline void waitForCopies() {
    asm volatile("cp.async.wait_all;" ::: "memory");
}

} // namespace caldera::kernels::step
