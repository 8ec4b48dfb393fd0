#include "app/cli/bench_shapes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/error.h"

namespace caldera::cli {

namespace {

struct Shape {
    const char* name;
    int hiddenSize, intermediateSize, layerCount, headCount, kvHeadCount, headSize, vocabSize;
};

constexpr std::array kShapes = {Shape{"qwen2-72b", 8192, 29568, 80, 64, 8, 128, 152064},
                                Shape{"qwen2-7b", 3584, 18944, 28, 28, 4, 128, 152064},
                                Shape{"qwen2-0.5b", 896, 4864, 24, 14, 2, 64, 151936},
                                Shape{"demo", 192, 512, 8, 3, 1, 64, 2048}};

} // namespace

std::string shapeComplaint(const std::string& name) {
    std::string known;
    for (const Shape& shape : kShapes) {
        if (name == shape.name) {
            return "";
        }
        known += (known.empty() ? "" : ", ") + std::string(shape.name);
    }
    return name + " is no known shape; there are " + known;
}

std::string rankComplaint(const std::string& rank) {
    constexpr int kMost = 512;
    constexpr int kStep = 16;
    int value = -1;
    const char* end = rank.data() + rank.size();
    const bool isNumber = std::from_chars(rank.data(), end, value).ptr == end;
    const bool isKnown = isNumber && value >= 0 && value <= kMost && value % kStep == 0;
    return isKnown ? "" : rank + " was given; a multiple of 16 from 0 to 512 was needed";
}

const kernels::StepCode* gpuCode(const std::string& codec) {
    const kernels::StepCode* code = kernels::stepCode(codec);
    if (code == nullptr) {
        throw Error("bench.codec",
                    "The GPU has no product with the codec " + codec + ". It has one with " +
                        std::string(kernels::stepCodeIds()) + ".",
                    {{"codec", codec}});
    }
    return code;
}

ModelConfig shapeConfig(const std::string& name) {
    const Shape& shape = *std::find_if(kShapes.begin(), kShapes.end(),
                                       [&](const Shape& each) { return name == each.name; });
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = shape.hiddenSize;
    config.intermediateSize = shape.intermediateSize;
    config.layerCount = shape.layerCount;
    config.headCount = shape.headCount;
    config.kvHeadCount = shape.kvHeadCount;
    config.headSize = shape.headSize;
    config.vocabSize = shape.vocabSize;
    config.attentionBias = true;
    config.ropeTheta = 1e6;
    config.maxPositions = 32768;
    return config;
}

} // namespace caldera::cli
