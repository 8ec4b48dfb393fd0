#include "core/preflight/memory_need.h"

#include <algorithm>
#include <cmath>

#include "core/model/logit_slice.h"

namespace caldera {

namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kFloat = sizeof(float);

// Measured: the program with LibTorch, its tokenizer and the largest small things around them.
constexpr int64_t kProgram = 320 * kMiB;
constexpr int64_t kRuntimeProgram = 224 * kMiB; ///< an engine, whose pages LibTorch never enters
/// A CUDA context with the kernels of LibTorch, cuBLAS and its workspaces.
constexpr int64_t kGpuContext = 1024 * kMiB;
constexpr int64_t kEngineContext = 512 * kMiB; ///< of an engine, without LibTorch's
/// Of the host beside it: pinned buffers, the driver's own.
constexpr int64_t kGpuProgram = 2048 * kMiB;
/// Share by which allocators hold more than is used; a GPU's keeps blocks of many sizes.
constexpr double kHostSlack = 1.10;
constexpr double kGpuSlack = 1.20;

constexpr int64_t kSliceTokens = 4096;     ///< that pass a block together
constexpr int64_t kScoreBytes = 16 * kMiB; ///< of attention on a processor
constexpr int64_t kGpuScoreBytes = 256 * kMiB;
constexpr int64_t kLogitSlices = 6;

/// Matrices of a Hessian's size while a group's basis is made, and of a weight's size while it is
/// compressed: the original, its rotation, target, values, error, the best values, products.
constexpr int64_t kBasisMatrices = 4;
constexpr int64_t kWeightMatrices = 11;

int64_t blockBytes(const ModelConfig& config) {
    int64_t bytes = 0;
    for (const Module module : kModules) {
        bytes += config.shapeOf(module).size() * kFloat;
    }
    return bytes;
}

int64_t hessianBytes(const ModelConfig& config, InputGroup group) {
    const int64_t size = config.inputSize(group);
    return size * size * kFloat;
}

int64_t weightBytes(const ModelConfig& config, InputGroup group) {
    int64_t bytes = 0;
    for (const Module module : kModules) {
        bytes += inputGroupOf(module) == group ? config.shapeOf(module).size() * kFloat : 0;
    }
    return bytes;
}

int64_t hiddenBytes(const ModelConfig& config, int64_t tokens) {
    return tokens * config.hiddenSize * kFloat;
}

int64_t headBytes(const ModelConfig& config) {
    return int64_t{config.vocabSize} * config.hiddenSize * kFloat;
}

/// Slices of logits of so many tokens, two models' and what is worked out of them.
int64_t logitBytes(const ModelConfig& config, int64_t tokens) {
    return kLogitSlices * std::min(kLogitBytes, tokens * config.vocabSize * kFloat);
}

/// What a slice of sequences of this length leaves between a block's matrices.
int64_t activationBytes(const ModelConfig& config, int64_t length, Processor on) {
    const int64_t tokens = std::max(kSliceTokens, length);
    const int64_t heads = int64_t{config.headCount + 2 * config.kvHeadCount} * config.headSize;
    const int64_t widths =
        3 * int64_t{config.intermediateSize} + 6 * int64_t{config.hiddenSize} + 3 * heads;
    return tokens * widths * kFloat + 3 * (on == Processor::Gpu ? kGpuScoreBytes : kScoreBytes);
}

/// Bytes of `use` for each group of inputs, of which all that are not worked on yet hold their
/// weights and Hessians.
template <class Use>
int64_t largestGroup(const ModelConfig& config, const Use& use) {
    int64_t largest = 0;
    int64_t waiting = blockBytes(config);
    for (const InputGroup group : kInputGroups) {
        waiting += hessianBytes(config, group);
    }
    for (const InputGroup group : kInputGroups) {
        largest = std::max(largest, waiting + use(group));
        waiting -= hessianBytes(config, group) + weightBytes(config, group);
    }
    return largest;
}

/// What compressing the largest cell of a group holds besides its weight and Hessian.
int64_t cellWork(const PlanCells& cells, InputGroup group) {
    const ModelConfig& config = cells.config();
    const int64_t square = hessianBytes(config, group);
    int64_t largest = 0;
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            const CellSettings& settings = cells.settingsOf({layer, module});
            if (inputGroupOf(module) != group || settings.skip) {
                continue;
            }
            // Hessian and Cholesky factor; a metric of another damping, of steps that see none,
            // and what is left of a Hessian that L has taken up.
            const int64_t squares = 1 + (settings.damping == 0.01 ? 0 : 1) +
                                    (settings.activationAware == "Q,LR" ? 0 : 1) +
                                    (settings.hessianDowndate ? 3 : 0);
            largest = std::max(largest, squares * square + kWeightMatrices * kFloat *
                                                               config.shapeOf(module).size());
        }
    }
    return largest == 0 ? 0 : std::max(largest, (kBasisMatrices - 1) * square);
}

MemoryNeed padded(int64_t host, int64_t gpu, Processor on) {
    const auto with = [](int64_t bytes, double slack) {
        return static_cast<int64_t>(std::ceil(static_cast<double>(bytes) * slack));
    };
    if (on == Processor::Cpu) {
        return {with(host + gpu, kHostSlack) + kProgram, 0};
    }
    return {with(host, kHostSlack) + kProgram + kGpuProgram, with(gpu, kGpuSlack) + kGpuContext};
}

/// Of lens, which compares in main memory: numbers of tokens, and of each that occurs its embedding
/// in 16 bits.
int64_t comparisonBytes(const ModelConfig& config, int64_t comparisons) {
    return comparisons * static_cast<int64_t>(sizeof(int64_t)) +
           std::min<int64_t>(comparisons, config.vocabSize) * config.hiddenSize * kFloat / 2;
}

/// One block with its Hessians, then one group after the other; what is where LibTorch computes.
int64_t blockWork(const PlanCells& cells, int64_t length, Processor on) {
    const ModelConfig& config = cells.config();
    int64_t forward = blockBytes(config) + activationBytes(config, length, on);
    for (const InputGroup group : kInputGroups) {
        forward += hessianBytes(config, group);
    }
    forward += on == Processor::Gpu ? blockBytes(config) / 2 : 0; // the same weights in bf16
    const int64_t solving =
        largestGroup(config, [&](InputGroup group) { return cellWork(cells, group); });
    return std::max(forward, solving);
}

/// Checking an artifact's largest matrix against its original, and copying its tables.
int64_t joinBytes(const ModelConfig& config) {
    int64_t largest = 0;
    for (const Module module : kModules) {
        largest = std::max(largest, config.shapeOf(module).size() * kFloat);
    }
    return 6 * largest + headBytes(config);
}

} // namespace

MemoryNeed compressMemory(const PlanCells& cells, const CalibrationSettings& calibration,
                          Processor on) {
    const ModelConfig& config = cells.config();
    const int64_t hidden = hiddenBytes(config, calibration.tokens);
    // States become a pinned copy once; on a processor a block's output replaces its input.
    const int64_t states = on == Processor::Gpu ? 2 * hidden : hidden;
    const int64_t work = std::max(blockWork(cells, calibration.sequenceLength, on), hidden);
    const int64_t host = states + (on == Processor::Gpu ? 2 * blockBytes(config) : 0);
    MemoryNeed need = padded(host, work, on);
    need.host = std::max(need.host, padded(joinBytes(config), 0, Processor::Cpu).host);
    return need;
}

MemoryNeed fidelityMemory(const PlanCells& cells, const CalibrationSettings& calibration,
                          const FidelityMemory& work, Processor on) {
    const ModelConfig& config = cells.config();
    const auto variants = static_cast<int64_t>(kModules.size());
    const int64_t text = hiddenBytes(config, work.textTokens);
    const int64_t states =
        hiddenBytes(config, (work.calibrates ? calibration.tokens : 0) + work.sideTokens) +
        2 * text;
    int64_t branches = 0;
    if (work.kl) {
        branches = (variants + 1) * text + logitBytes(config, work.textTokens) + headBytes(config);
        branches += on == Processor::Gpu ? work.variantBytes : 0;
    }
    const int64_t length = std::max<int64_t>(calibration.sequenceLength, work.window);
    // The disturbed weights of all cells of a layer lie beside the block.
    int64_t block = blockBytes(config) + activationBytes(config, length, on);
    if (work.calibrates) {
        block = std::max(block, blockWork(cells, length, on)) + blockBytes(config);
    }
    const int64_t host =
        on == Processor::Gpu ? 2 * states + branches + 2 * blockBytes(config) : states;
    return padded(host + comparisonBytes(config, work.comparisons),
                  block + branches + (on == Processor::Gpu ? states : 0), on);
}

MemoryNeed evaluateMemory(const ModelConfig& config, const EvaluateMemory& work, Processor on) {
    const int64_t models = work.hasReference ? 2 : 1;
    const int64_t hidden =
        models * std::min(hiddenBytes(config, work.tokens),
                          std::max(work.hiddenBytes, hiddenBytes(config, work.context)));
    int64_t largest = 0;
    for (const Module module : kModules) {
        largest = std::max(largest, config.shapeOf(module).size() * kFloat);
    }
    const int64_t block = blockBytes(config) + 3 * largest + // while packed codes become numbers
                          activationBytes(config, work.context, on);
    const int64_t heads = models * headBytes(config) + models * logitBytes(config, work.tokens) / 2;
    const int64_t host =
        on == Processor::Gpu ? 2 * std::max(largest, headBytes(config)) : int64_t{0};
    return padded(host, hidden + std::max(block, heads), on);
}

MemoryNeed serveMemory(const ModelConfig& config, int64_t artifactBytes, const GpuLoad& load) {
    const int64_t numbers = 2 * int64_t{config.layerCount} * config.kvHeadCount * config.headSize;
    const int64_t logits = int64_t{load.chats} * config.vocabSize * kFloat;
    // Room for one context is all that it begins with: others take what is left.
    return {kRuntimeProgram + artifactBytes + numbers * kFloat * load.contextLength + 2 * logits +
                activationBytes(config, 0, Processor::Cpu) / 8, // of its batches; prompts have 64
            0};
}

MemoryNeed serveMemoryOnGpu(const Plan& plan, const PlanCells& cells, const GpuLoad& load,
                            int cacheBits) {
    const ModelConfig& config = cells.config();
    const int64_t table = headBytes(config) / kFloat * plan.embeddingBits / 8;
    GpuLoad one = load;
    one.chats = 1;
    return {kRuntimeProgram + kGpuProgram + table,
            gpuMemory(plan, cells, config, load, cacheBits).weightBytes +
                gpuWorkspaceBytes(cells, config, load) +
                gpuMemory(plan, cells, config, one, cacheBits).cacheBytes + kEngineContext};
}

} // namespace caldera
