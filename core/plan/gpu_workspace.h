// What an engine on a GPU works in beside weights, keys and values: known before anything is
// loaded, from a plan, a model's shape and how the engine is to run. No CUDA.
#pragma once

#include <cstdint>

#include "core/plan/plan.h"
#include "core/plan/plan_cells.h"

namespace caldera {

/// Tokens of a prompt that a GPU reads at once: as many are fast, more would only take memory.
inline constexpr int kGpuPromptTokens = 2048;
/// Sequences that one step on a GPU takes further.
inline constexpr int kGpuStepSequences = 16;
/// Tokens of a short prompt that a step takes, at least, where it has a kernel for several.
inline constexpr int kGpuStepTokens = 8;
/// Tokens that one step has room for: one of each chat, or so many of one.
constexpr int gpuStepWidth(int chats, int activationBits) {
    const int least = activationBits == 8 ? kGpuStepTokens : 1;
    return chats < least ? least : chats < kGpuStepSequences ? chats : kGpuStepSequences;
}

// What kernels are made for; core/runtime holds it against them.
inline constexpr int kGpuStepBlock = 128;        ///< columns of an input with one scale
inline constexpr int kGpuAttentionParts = 16;    ///< of a sequence's context
inline constexpr int kGpuSplitBlocks = 4;        ///< least blocks of a part of a product's columns
inline constexpr int kGpuSumBytes = 8;           ///< of R x for a rank index
inline constexpr int kGpuPromptSliceRows = 2048; ///< of a linear that a prompt multiplies at once
inline constexpr int64_t kGpuPromptTileBytes = 116 << 20; ///< of a slice's decoded rows
inline constexpr int64_t kGpuPromptScoreBytes = 64 << 20; ///< of a prompt's attention
inline constexpr int64_t kGpuCublasBytes = 32 << 20;      ///< that cuBLAS splits sums over
inline constexpr int64_t kGpuPhaseBytes = 4 << 10;        ///< at least the description of a phase

/// Sequences take room in the cache in pages of this many tokens.
inline constexpr int kCachePageTokens = 64;

/// How an engine on a GPU is to run.
struct GpuLoad {
    int contextLength = 8192; ///< tokens of one conversation
    int chats = 1;            ///< at once
    int activationBits = 8;
};

/// What the workspace has for each rank index of every cell: sums of R x, of all tokens of a step.
constexpr int64_t gpuRankBytes(const GpuLoad& load) {
    const int width = gpuStepWidth(load.chats, load.activationBits);
    return kGpuSumBytes * (width > 1 ? width + 1 : 1);
}

/// Bytes of the vectors of steps and prompts, of decoded weights and of the kernels' code. The
/// driver's context, some hundred MiB, is not in it: free memory is asked for when it is there.
int64_t gpuWorkspaceBytes(const Plan& plan, const ModelConfig& config, const GpuLoad& load);
/// The same for a plan whose cells are resolved.
int64_t gpuWorkspaceBytes(const PlanCells& cells, const ModelConfig& config, const GpuLoad& load);

} // namespace caldera
