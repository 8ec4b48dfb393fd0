#include "core/runtime/cuda/device_model.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/codec/codec.h"
#include "core/codec/transform.h"
#include "core/plan/gpu_memory.h"

namespace caldera {

namespace {

using kernels::StepStorage;
using kernels::cuda::StepFactor;
using kernels::cuda::StepGroup;
using kernels::cuda::StepLinear;

constexpr const char* kFourBitFactor = "lloyd-4";
constexpr int64_t kInt4Columns = 64;

std::vector<uint16_t> toHalves(std::span<const float> values) {
    std::vector<uint16_t> halves;
    halves.reserve(values.size());
    for (const float value : values) {
        halves.push_back(floatToFp16(value));
    }
    return halves;
}

const uint8_t* storeCodes(DeviceArena& arena, std::span<const std::byte> codes) {
    return reinterpret_cast<const uint8_t*>(arena.store(codes));
}

/// Q with its scales, fp16 [rows, columns].
std::vector<uint16_t> decodeQ(const PackedView& q) {
    const auto codec = makeCodec(q.codec);
    const int64_t padded = padTo(q.shape.columns, codec->blockColumns());
    std::vector<float> rows(static_cast<size_t>(kRowGroup * padded));
    std::vector<uint16_t> halves;
    halves.reserve(static_cast<size_t>(q.shape.size()));
    for (int64_t first = 0; first < q.shape.rows; first += kRowGroup) {
        codec->decodeRows(q.codes, q.shape, first, kRowGroup, rows);
        const float scale = fp16ToFloat(q.scale[static_cast<size_t>(first / kRowGroup)]);
        for (int64_t row = 0; row < std::min(kRowGroup, q.shape.rows - first); ++row) {
            for (int64_t c = 0; c < q.shape.columns; ++c) {
                halves.push_back(floatToFp16(scale * rows[static_cast<size_t>(row * padded + c)]));
            }
        }
    }
    return halves;
}

/// A factor whose rows' 4-bit numbers fill whole words goes as it is.
bool isNative(const PackedView& factor) {
    return factor.codec == kFourBitFactor && factor.shape.columns % 8 == 0;
}

StepFactor loadFactor(DeviceArena& arena, const PackedView& factor) {
    if (isNative(factor)) {
        return {StepStorage::Lloyd4, storeCodes(arena, factor.codes)};
    }
    std::vector<float> values(static_cast<size_t>(factor.shape.size()));
    makeFactorCodec(factor.codec)->decode(factor.codes, factor.shape, values);
    const std::vector<uint16_t> halves = toHalves(values);
    return {StepStorage::Float16,
            reinterpret_cast<const uint8_t*>(arena.store(std::span<const uint16_t>(halves)))};
}

void loadLowRank(DeviceArena& arena, const ArtifactCell& cell, StepLinear& linear) {
    linear.rank = cell.rank();
    if (linear.rank == 0) {
        return;
    }
    linear.left = loadFactor(arena, cell.l);
    linear.right = loadFactor(arena, cell.r);
    std::vector<float> scale = fp16ToFloats(cell.l.scale);
    const std::vector<float> right = fp16ToFloats(cell.r.scale);
    for (size_t i = 0; i < scale.size(); ++i) {
        scale[i] *= right[i];
    }
    linear.factorScale = arena.store(std::span<const float>(scale));
}

/// The code of a Q that goes as it is; null where it must be decoded.
const kernels::StepCode* codeOf(const PackedView& q) {
    const kernels::StepCode* code = kernels::stepCode(q.codec);
    return code != nullptr && code->fits(q.shape.columns) ? code : nullptr;
}

void loadQ(DeviceArena& arena, const ArtifactCell& cell, StepLinear& linear) {
    const kernels::StepCode* code = codeOf(cell.q);
    if (code == nullptr) {
        linear.storage = StepStorage::Float16;
        const std::vector<uint16_t> halves = decodeQ(cell.q);
        linear.codes =
            reinterpret_cast<const uint8_t*>(arena.store(std::span<const uint16_t>(halves)));
        return;
    }
    linear.code = code;
    linear.codes = storeCodes(arena, cell.q.codes);
    std::vector<float> scale = fp16ToFloats(cell.q.scale);
    for (float& each : scale) {
        each *= code->step;
    }
    linear.scale = arena.store(std::span<const float>(scale));
}

StepLinear loadLinear(DeviceArena& arena, const ArtifactCell& cell) {
    StepLinear linear;
    linear.rows = static_cast<int>(cell.q.shape.rows);
    linear.columns = static_cast<int>(cell.q.shape.columns);
    if (!cell.bias.empty()) {
        linear.bias = arena.store(std::span<const float>(cell.bias));
    }
    if (!cell.dense.empty()) {
        linear.storage = StepStorage::Bfloat16;
        linear.codes = reinterpret_cast<const uint8_t*>(arena.store(cell.dense));
        return linear;
    }
    linear.outBlock = static_cast<int>(transformBlock(cell.transform, cell.q.shape.rows));
    linear.outSign = arena.store(cell.outSign);
    loadQ(arena, cell, linear);
    loadLowRank(arena, cell, linear);
    return linear;
}

StepGroup loadGroup(DeviceArena& arena, const Artifact& artifact, int layer, InputGroup inputs) {
    StepGroup group;
    for (const Module module : kModules) {
        if (inputGroupOf(module) != inputs) {
            continue;
        }
        const ArtifactCell cell = artifact.cell({layer, module});
        group.columns = static_cast<int>(cell.q.shape.columns);
        if (cell.dense.empty() && group.inSign == nullptr) {
            group.inSign = arena.store(cell.inSign);
            group.inBlock = static_cast<int>(transformBlock(cell.transform, group.columns));
        }
        group.members.push_back(loadLinear(arena, cell));
    }
    return group;
}

const float* loadNorm(DeviceArena& arena, const Artifact& artifact, const std::string& name) {
    const std::vector<float> norm = artifact.norm(name);
    return arena.store(std::span<const float>(norm));
}

StepStorage storageOf(const ArtifactTable& table) {
    return table.bits == 16  ? StepStorage::Bfloat16
           : table.bits == 8 ? StepStorage::Int8
                             : StepStorage::Int4;
}

StepLinear loadHead(DeviceArena& arena, const ArtifactTable& table) {
    StepLinear head;
    head.storage = storageOf(table);
    head.rows = static_cast<int>(table.shape.rows);
    head.columns = static_cast<int>(table.bits == 4 ? padTo(table.shape.columns, kInt4Columns)
                                                    : table.shape.columns);
    head.codes = storeCodes(arena, table.codes);
    if (table.bits == 4) {
        head.tableScale = arena.store(table.scale);
    } else if (table.bits == 8) {
        const std::vector<float> scale = fp16ToFloats(table.scale);
        head.rowScale = arena.store(std::span<const float>(scale));
    }
    return head;
}

/// The table that the head multiplies with serves as the embedding, too, where they are tied.
void loadEmbedding(DeviceModel& model, const Artifact& artifact) {
    const ArtifactTable table = artifact.embedding();
    kernels::EmbedPhase& embedding = model.embedding;
    embedding.storage = storageOf(table);
    embedding.columns = static_cast<int>(table.shape.columns);
    const StepLinear& head = model.head.members.front();
    if (artifact.head().codes.data() == table.codes.data()) {
        embedding.rows = head.codes;
        embedding.scale = table.bits == 8 ? model.arena.store(table.scale) : head.tableScale;
        return;
    }
    model.embeddingRows = PinnedBytes(table.codes);
    embedding.rows = model.embeddingRows.data();
    if (!table.scale.empty()) {
        model.embeddingScales = PinnedBytes(std::as_bytes(table.scale));
        embedding.scale = reinterpret_cast<const uint16_t*>(model.embeddingScales.data());
    }
}

} // namespace

PinnedBytes::PinnedBytes(std::span<const std::byte> bytes)
    : data_(kernels::cuda::makePinnedValues<uint8_t>(
          bytes.size(), "Pinning the embedding in the machine's memory")) {
    std::memcpy(data_.get(), bytes.data(), bytes.size());
}

DeviceModel loadDeviceModel(const Artifact& artifact) {
    DeviceModel model;
    model.config = artifact.config();
    model.arena = DeviceArena(gpuWeightBytes(artifact.plan(), model.config));
    for (int layer = 0; layer < model.config.layerCount; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer);
        DeviceLayer loaded;
        loaded.qkv = loadGroup(model.arena, artifact, layer, InputGroup::Qkv);
        loaded.o = loadGroup(model.arena, artifact, layer, InputGroup::O);
        loaded.gateUp = loadGroup(model.arena, artifact, layer, InputGroup::GateUp);
        loaded.down = loadGroup(model.arena, artifact, layer, InputGroup::Down);
        loaded.qkv.norm = loadNorm(model.arena, artifact, prefix + ".input_layernorm.weight");
        loaded.gateUp.norm =
            loadNorm(model.arena, artifact, prefix + ".post_attention_layernorm.weight");
        model.layers.push_back(std::move(loaded));
    }
    model.head.columns = model.config.hiddenSize;
    model.head.norm = loadNorm(model.arena, artifact, "model.norm.weight");
    model.head.members.push_back(loadHead(model.arena, artifact.head()));
    loadEmbedding(model, artifact);
    return model;
}

} // namespace caldera
