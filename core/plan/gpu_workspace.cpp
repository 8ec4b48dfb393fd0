#include "core/plan/gpu_workspace.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "core/model/module.h"
#include "core/plan/plan_cells.h"

namespace caldera {

namespace {

constexpr int64_t kHalf = 2;
constexpr int64_t kFloat = 4;
constexpr int64_t kCodeBytes = 32LL << 20; ///< kernels, cuBLAS, CUDA graphs
/// The driver keeps local memory for every thread that a GPU can run: on an H100 so many.
constexpr int64_t kThreads = 132LL * 2048;
constexpr int64_t kThreadBytes = 512; ///< of it that a thread of a step has (sm_90)

/// Phases of a layer, at most: a product for each module (those that share an input have one,
/// unless their codes differ), an end for each input, attention and the joining of its parts.
constexpr auto kLayerPhases =
    static_cast<int64_t>(std::size(kModules) + std::size(kInputGroups) + 2);

/// An array by itself: the driver gives out whole pages, which small arrays share.
int64_t arrayBytes(int64_t bytes) {
    constexpr int64_t kPage = 2 << 20;
    constexpr int64_t kAlignment = 512;
    return 2 * bytes > kPage ? padTo(bytes, kPage) : padTo(bytes, kAlignment);
}

/// An array that is taken anew whenever it has to be longer than before; the old ones stay.
class GrowingArray {
public:
    void need(int64_t bytes) {
        if (bytes > longest_) {
            longest_ = bytes;
            bytes_ += arrayBytes(bytes);
        }
    }
    int64_t bytes() const { return bytes_; }

private:
    int64_t longest_ = 0;
    int64_t bytes_ = 0;
};

struct Ranks {
    int64_t most = 0;
    int64_t sum = 0; ///< of all cells
};

Ranks ranksOf(const PlanCells& cells, const ModelConfig& config) {
    Ranks ranks;
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const CellSettings& settings = cells.settingsOf({layer, module});
            const int64_t rank = settings.skip ? 0 : settings.rank;
            ranks.most = std::max(ranks.most, rank);
            ranks.sum += rank;
        }
    }
    return ranks;
}

int64_t attendedSize(const ModelConfig& config) {
    return int64_t{config.headCount} * config.headSize;
}

int64_t keySize(const ModelConfig& config) {
    return int64_t{config.kvHeadCount} * config.headSize;
}

int64_t rowsOf(const ModelConfig& config, InputGroup group) {
    int64_t rows = 0;
    for (const Module module : kModules) {
        if (inputGroupOf(module) == group) {
            rows += padTo(config.shapeOf(module).rows, kRowGroup);
        }
    }
    return rows;
}

int64_t partsOf(int64_t columns, int64_t blocks) {
    const int64_t width = kGpuStepBlock * blocks;
    return (columns + width - 1) / width;
}

/// Codes of an input, rotated and plain, its scales, sums and squares.
int64_t inputBytes(int64_t columns, int64_t sequences, int activationBits) {
    constexpr int plainBits = 16;
    constexpr int numbers = 5;
    const int64_t blocks = sequences * partsOf(columns, 1);
    return arrayBytes(blocks * kGpuStepBlock * (activationBits + plainBits) / 8) +
           arrayBytes(blocks * numbers * kFloat);
}

/// Sums of products, of R x, and the inputs of a step.
int64_t stepProductBytes(const ModelConfig& config, const Ranks& ranks, int64_t sequences,
                         int activationBits) {
    GrowingArray sums;
    int64_t inputs = inputBytes(config.hiddenSize, sequences, activationBits); // of the head
    const auto needSums = [&](int64_t rows, int64_t columns) {
        sums.need(kFloat * sequences * rows * partsOf(columns, kGpuSplitBlocks));
    };
    for (const InputGroup group : kInputGroups) {
        const int64_t columns = config.inputSize(group);
        needSums(rowsOf(config, group), columns);
        inputs += inputBytes(columns, sequences, activationBits);
    }
    needSums(padTo(config.vocabSize, kRowGroup), config.hiddenSize);
    return sums.bytes() + arrayBytes(kGpuSumBytes * sequences * ranks.sum) + inputs;
}

/// Weights and candidates of rows of logits, and the tokens that they have seen; the logits of all
/// chats where they take several steps.
int64_t samplingBytes(const ModelConfig& config, const GpuLoad& load) {
    const int64_t rows = std::min(load.chats, kGpuStepSequences);
    const int64_t seen = std::min(load.contextLength, config.vocabSize);
    constexpr int64_t kWeight = 4;
    constexpr int64_t kRank = 8;
    constexpr int64_t kToken = 4;
    const int64_t joined = load.chats > kGpuStepSequences ? load.chats : 0;
    return arrayBytes(kWeight * rows * config.vocabSize) +
           arrayBytes(kRank * rows * config.vocabSize) + arrayBytes(kToken * rows * seen) +
           arrayBytes(kFloat * joined * config.vocabSize);
}

/// A step for so many tokens.
int64_t stepBytes(const ModelConfig& config, const Ranks& ranks, int64_t sequences,
                  int activationBits) {
    const int64_t parts = config.headCount * kGpuAttentionParts;
    int64_t bytes = stepProductBytes(config, ranks, sequences, activationBits);
    for (const int64_t numbers :
         {int64_t{config.hiddenSize}, attendedSize(config), keySize(config), keySize(config),
          parts * config.headSize, parts, parts, int64_t{config.vocabSize}}) {
        bytes += arrayBytes(kFloat * sequences * numbers);
    }
    return bytes + arrayBytes(config.layerCount * kLayerPhases * kGpuPhaseBytes);
}

/// What a prompt's attention works in.
int64_t attentionBytes(const ModelConfig& config, int64_t tokens, int64_t context) {
    const int64_t ofQuery = kFloat * context * (config.headCount / config.kvHeadCount);
    const int64_t scores = std::max(ofQuery, std::min(kGpuPromptScoreBytes, ofQuery * tokens));
    return kHalf * (tokens * attendedSize(config) + 2 * context * config.headSize) + scores;
}

/// Decoded rows of the largest slice of a linear, or what attention works in.
int64_t tileBytes(const ModelConfig& config, const Ranks& ranks, int64_t tokens, int64_t context) {
    int64_t most = attentionBytes(config, tokens, context);
    for (const Module module : kModules) {
        const MatrixShape shape = config.shapeOf(module);
        const int64_t rows = std::min<int64_t>(padTo(std::max(shape.rows, ranks.most), kRowGroup),
                                               kGpuPromptSliceRows);
        const int64_t rowBytes = kHalf * padTo(shape.columns, 8);
        const int64_t tileRows = std::max<int64_t>(kGpuStepBlock, kGpuPromptTileBytes / rowBytes);
        most = std::max(most, rowBytes * std::min(rows, tileRows));
    }
    return most;
}

int64_t promptBytes(const ModelConfig& config, const Ranks& ranks, const GpuLoad& load,
                    int64_t context) {
    const int64_t tokens = std::min(load.contextLength, kGpuPromptTokens);
    const int64_t widestInput = std::max<int64_t>(config.hiddenSize, attendedSize(config));
    const int64_t slice = arrayBytes(kFloat * tokens * kGpuPromptSliceRows);
    constexpr int products = 2; // gate and up are there at once
    int64_t bytes = products * slice;
    if (ranks.most > 0) {
        bytes += products * (slice + arrayBytes(kFloat * tokens * ranks.most));
        bytes += arrayBytes(kFloat * kGpuPromptSliceRows * ranks.most);
    }
    bytes += 2 * arrayBytes(kHalf * tokens * padTo(widestInput, 8)); // rotated and plain
    bytes += arrayBytes(tokens * std::max(kFloat * (attendedSize(config) + 2 * keySize(config)),
                                          kHalf * padTo(config.intermediateSize, 8)));
    bytes +=
        arrayBytes(kFloat * tokens * config.hiddenSize) + arrayBytes(kFloat * config.vocabSize);
    return bytes + arrayBytes(kGpuCublasBytes) +
           arrayBytes(tileBytes(config, ranks, tokens, context));
}

/// A step for one token and, where one may take more, another for several.
int64_t stepsBytes(const ModelConfig& config, const Ranks& ranks, const GpuLoad& load) {
    const int64_t one = stepBytes(config, ranks, 1, load.activationBits);
    const int width = gpuStepWidth(load.chats, load.activationBits);
    return width > 1 ? one + stepBytes(config, ranks, width, load.activationBits) : one;
}

/// The angles of positions and the numbers of pages.
int64_t contextBytes(const ModelConfig& config, const GpuLoad& load, int64_t context) {
    const int64_t angles = kFloat * context * config.headSize / 2;
    return 2 * arrayBytes(angles) + arrayBytes(kFloat * load.chats * context / kCachePageTokens);
}

} // namespace

int64_t gpuWorkspaceBytes(const Plan& plan, const ModelConfig& config, const GpuLoad& load) {
    return gpuWorkspaceBytes(PlanCells(plan, config), config, load);
}

int64_t gpuWorkspaceBytes(const PlanCells& cells, const ModelConfig& config, const GpuLoad& load) {
    const Ranks ranks = ranksOf(cells, config);
    const int64_t context = padTo(load.contextLength, kCachePageTokens);
    return kCodeBytes + kThreads * kThreadBytes + stepsBytes(config, ranks, load) +
           samplingBytes(config, load) + promptBytes(config, ranks, load, context) +
           contextBytes(config, load, context);
}

} // namespace caldera
