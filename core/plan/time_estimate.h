// How long work on a model takes, from its shape and what was measured of other shapes. An order
// of magnitude to decide by: within a factor of two where nothing else is at work.
#pragma once

#include <cstdint>

#include "core/plan/plan_cells.h"

namespace caldera {

/// Seconds to compress by a plan on a processor with this many cores (at least 1).
double compressSeconds(const Plan& plan, const PlanCells& cells, int cores);
/// The same on a GPU like the one that docs/benchmarks.md measured a block of Qwen2-72B on, an
/// H100.
double compressSecondsOnGpu(const PlanCells& cells);

/// Bytes of UTF-8 that a token usually has; texts of rare letters have fewer.
inline constexpr int64_t kBytesOfToken = 4;
/// Tokens that a text of so many bytes gives where `wanted` are asked for, to estimate times by; at
/// least one. Of a text whose bytes are not known (negative): all that are wanted.
int64_t likelyTokens(int64_t wanted, int64_t bytes);

/// What a measurement of fragility does.
struct FidelityWork {
    bool proxy = false;
    bool kl = false;
    bool sipit = false;
    bool lens = false;
    int64_t calibrationTokens = 0;
    int64_t textTokens = 0;
};

/// Seconds to measure on a processor with this many cores (at least 1).
double fidelitySeconds(const ModelConfig& config, const FidelityWork& work, int cores);
/// The same on an H100, whose two blocks of Qwen2-72B docs/benchmarks.md measured.
double fidelitySecondsOnGpu(const ModelConfig& config, const FidelityWork& work);

/// Seconds to pass a text through so many models of this shape, heads included, on a processor
/// with this many cores (at least 1).
double evaluateSeconds(const ModelConfig& config, int64_t tokens, int models, int cores);
/// The same on a GPU: reading blocks as measured for compressing, products in f32.
double evaluateSecondsOnGpu(const ModelConfig& config, int64_t tokens, int models);

} // namespace caldera
