// A model with random codes, for measuring what its real size would do.
#include <algorithm>
#include <random>
#include <utility>

#include "core/base/half.h"
#include "core/runtime/cuda/device_model.h"
#include "kernels/hadamard/hadamard.h"

namespace caldera {

namespace {

using kernels::StepStorage;
using kernels::cuda::StepGroup;
using kernels::cuda::StepLinear;

constexpr int64_t kPieceBytes = 8 << 20;

class Synthesizer {
public:
    Synthesizer(DeviceModel& model, const SyntheticWeights& weights)
        : model_(model), weights_(weights), piece_(randomBytes()) {}

    StepGroup group(InputGroup inputs) {
        StepGroup group;
        for (const Module module : kModules) {
            if (inputGroupOf(module) == inputs) {
                const MatrixShape shape = model_.config.shapeOf(module);
                group.columns = static_cast<int>(shape.columns);
                group.members.push_back(linear(shape, inputs == InputGroup::Qkv));
            }
        }
        group.inSign = ones(group.columns);
        group.inBlock = static_cast<int>(kernels::hadamardBlock(group.columns));
        if (inputs == InputGroup::Qkv || inputs == InputGroup::GateUp) {
            group.norm = floats(group.columns, 1);
        }
        return group;
    }

    StepLinear head() {
        const int64_t rows = model_.config.vocabSize;
        const int64_t columns = padTo(model_.config.hiddenSize, 64);
        StepLinear head;
        head.storage = StepStorage::Int4;
        head.rows = static_cast<int>(rows);
        head.columns = static_cast<int>(columns);
        head.codes = codes(rows * columns / 2);
        head.tableScale = halves(rows * columns / 64, 0.001F);
        return head;
    }

    const float* floats(int64_t count, float value) {
        const std::vector<float> values(static_cast<size_t>(count), value);
        return model_.arena.store(std::span<const float>(values));
    }

private:
    static std::vector<uint8_t> randomBytes() {
        std::mt19937 random(1);
        std::vector<uint8_t> bytes(kPieceBytes);
        for (uint8_t& byte : bytes) {
            byte = static_cast<uint8_t>(random());
        }
        return bytes;
    }

    const uint16_t* halves(int64_t count, float value) {
        const std::vector<uint16_t> values(static_cast<size_t>(count), floatToFp16(value));
        return model_.arena.store(std::span<const uint16_t>(values));
    }
    const uint16_t* ones(int64_t count) { return halves(count, 1); }

    const uint8_t* codes(int64_t bytes) {
        uint8_t* to = model_.arena.reserve(bytes);
        for (int64_t at = 0; at < bytes; at += kPieceBytes) {
            kernels::cuda::require(
                cudaMemcpy(to + at, piece_.data(),
                           static_cast<size_t>(std::min(kPieceBytes, bytes - at)),
                           cudaMemcpyHostToDevice),
                "Copying weights");
        }
        return to;
    }

    StepLinear linear(MatrixShape shape, bool hasBias) {
        StepLinear linear;
        const int64_t groups = padTo(shape.rows, 16) / 16;
        linear.code = weights_.code;
        linear.rows = static_cast<int>(shape.rows);
        linear.columns = static_cast<int>(shape.columns);
        linear.codes =
            codes(groups * shape.columns / weights_.code->columns * weights_.code->groupBytes);
        linear.scale = floats(groups, 0.02F * weights_.code->step);
        linear.outSign = ones(shape.rows);
        linear.outBlock = static_cast<int>(kernels::hadamardBlock(shape.rows));
        if (hasBias) {
            linear.bias = floats(shape.rows, 0);
        }
        linear.rank = weights_.rank;
        if (linear.rank > 0) {
            linear.left.codes = codes(shape.rows * linear.rank / 2);
            linear.right.codes = codes(linear.rank * ((shape.columns + 1) / 2));
            linear.factorScale = floats(linear.rank, 1e-4F);
        }
        return linear;
    }

    DeviceModel& model_;
    const SyntheticWeights& weights_;
    std::vector<uint8_t> piece_;
};

} // namespace

DeviceModel syntheticDeviceModel(const ModelConfig& config, const SyntheticWeights& weights,
                                 DeviceArena arena) {
    DeviceModel model;
    model.config = config;
    model.arena = std::move(arena);
    Synthesizer synthesizer(model, weights);
    for (int layer = 0; layer < config.layerCount; ++layer) {
        model.layers.push_back(
            {synthesizer.group(InputGroup::Qkv), synthesizer.group(InputGroup::O),
             synthesizer.group(InputGroup::GateUp), synthesizer.group(InputGroup::Down)});
    }
    model.head.columns = config.hiddenSize;
    model.head.norm = synthesizer.floats(config.hiddenSize, 1);
    model.head.members.push_back(synthesizer.head());
    const std::vector<uint16_t> row(static_cast<size_t>(config.hiddenSize), floatToBf16(0.02F));
    model.embeddingRows = PinnedBytes(std::as_bytes(std::span(row)));
    model.embedding.columns = config.hiddenSize;
    model.embedding.rows = model.embeddingRows.data();
    return model;
}

} // namespace caldera
