// How fast a model of some shape decodes on this GPU, with random weights. Links in builds without
// CUDA too, and throws there.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "core/model/config.h"
#include "kernels/step/step_code.h"

namespace caldera {

struct DecodeShape {
    ModelConfig config;
    const kernels::StepCode* code = nullptr;
    int rank = 0;
    int contextLength = 0;         ///< room in the cache, for each chat
    int position = 0;              ///< tokens before the one that is timed
    std::vector<int> chats = {};   ///< at once, each timed
    std::vector<int> prompts = {}; ///< tokens of prompts, each timed; at most contextLength
    int cacheBits = 16;
    int activationBits = 8;
};

struct DecodeTiming {
    int chats = 0;
    double microseconds = 0; ///< of a whole step, the median
    /// Microseconds of the phases of one step, by kind as kernels::PhaseKind.
    std::vector<double> phases = {};
};

struct PromptTiming {
    int tokens = 0;
    double seconds = 0;      ///< to the logits of the last token, the median
    double denseSeconds = 0; ///< of the linears alone, in fp16 by cuBLAS
};

struct DecodeTimings {
    std::vector<DecodeTiming> steps;
    std::vector<PromptTiming> prompts;
    double choiceMicroseconds = 0; ///< from one chat's logits to its token here, the median
    int64_t weightBytes = 0;       ///< read in a step
    int64_t deviceBytes = 0;       ///< taken from the GPU, cache included
    int64_t expectedBytes = 0;     ///< what gpuMemory() says of it
};

/// Throws Error("engine.gpu"), Error("engine.memory"), Error("engine.no-cuda") and Cancelled, which
/// is looked for between one time and the next.
DecodeTimings timeDecode(const DecodeShape& shape, const std::stop_token& stop);

} // namespace caldera
