// Attention of a step on a GPU against the processor's.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/kernels/step_fixture.h"

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

namespace {

/// Attention in several steps one after another, on both sides.
struct AttentionCase {
    int heads, kvHeads, headSize, cacheBits, steps;
    int slots = 2;
    int bits = 16; ///< of the next product's inputs: several tokens at 8 have a kernel of theirs
    int following = 1; ///< tokens of a slot in each step
};

} // namespace

class CudaStepAttention : public CudaStep, public testing::WithParamInterface<AttentionCase> {};

TEST_P(CudaStepAttention, SeesTheWholeContext) {
    const AttentionCase& shape = GetParam();
    const int tokens = shape.steps * shape.following; // of a slot
    const int pagesEach = tokens / kPageTokens + 1;
    const int slots = shape.slots;
    const int entries = slots * shape.following; // of a step
    const int kvSize = shape.kvHeads * shape.headSize;
    const int size = shape.heads * shape.headSize;
    const int64_t places = static_cast<int64_t>(slots * pagesEach) * shape.kvHeads * kPageTokens;
    StepProgram program(entries, shape.bits, kEpsilon);
    AttendPhase attend;
    attend.heads = shape.heads;
    attend.kvHeads = shape.kvHeads;
    attend.headSize = shape.headSize;
    attend.tableWidth = pagesEach;
    attend.queries = program.floats(entries * size);
    attend.keys = program.floats(entries * kvSize);
    attend.values = program.floats(entries * kvSize);
    std::vector<float> cosines;
    std::vector<float> sines;
    for (int position = 0; position < tokens; ++position) {
        for (int i = 0; i < shape.headSize / 2; ++i) {
            const double angle = position * std::pow(10000.0, -2.0 * i / shape.headSize);
            cosines.push_back(static_cast<float>(std::cos(angle)));
            sines.push_back(static_cast<float>(std::sin(angle)));
        }
    }
    attend.cosines = arrays_.upload(cosines);
    attend.sines = arrays_.upload(sines);
    std::vector<int32_t> pages; // of all sequences, shuffled together
    for (int slot = 0; slot < slots; ++slot) {
        for (int page = 0; page < pagesEach; ++page) {
            pages.push_back((pagesEach - 1 - page) * slots + slot);
        }
    }
    attend.pages = arrays_.upload(pages);
    attend.cache.bits = shape.cacheBits;
    attend.cache.keys = program.floats(places * shape.headSize);
    attend.cache.values = program.floats(places * shape.headSize);
    attend.cache.keyScale = program.floats(places);
    attend.cache.valueScale = program.floats(places);
    // Places that no token has may hold anything.
    cudaMemset(attend.cache.keys, 0xFF, static_cast<size_t>(places * shape.headSize) * 4);
    cudaMemset(attend.cache.values, 0xFF, static_cast<size_t>(places * shape.headSize) * 4);
    cudaMemset(attend.cache.keyScale, 0xFF, static_cast<size_t>(places) * 4);
    cudaMemset(attend.cache.valueScale, 0xFF, static_cast<size_t>(places) * 4);
    const int64_t parts = static_cast<int64_t>(entries) * shape.heads * kAttentionParts;
    attend.parts = {program.floats(parts * shape.headSize), program.floats(parts),
                    program.floats(parts)};
    CombinePhase combine;
    combine.heads = shape.heads;
    combine.headSize = shape.headSize;
    combine.parts = attend.parts;
    StepLinear plain; // so that the combined vector comes out as it is
    plain.storage = StepStorage::Bfloat16;
    combine.next = program.inputOf({{plain}, size, nullptr, 1, nullptr}, StepRole::O);
    program.attend(attend);
    program.combine(combine);
    program.seal(0);

    const auto keysOf = [&](int slot, int position) {
        return randomNormal(kvSize, 1, static_cast<uint32_t>(100000 * slot + position));
    };
    const auto valuesOf = [&](int slot, int position) {
        return randomNormal(kvSize, 1, static_cast<uint32_t>(5000000 + 100000 * slot + position));
    };
    const auto queriesOf = [&](int entry) {
        return randomNormal(size, 1, static_cast<uint32_t>(9000000 + entry));
    };
    DeviceMemory<StepState> state(1);
    const auto upload = [](const float* to, const std::vector<float>& values) {
        cudaMemcpy(const_cast<float*>(to), values.data(), values.size() * 4,
                   cudaMemcpyHostToDevice);
    };
    // Others lag behind slot 0, so that the sequences of a step have different lengths.
    const auto positionOf = [&](int entry, int step) {
        const int slot = entry / shape.following;
        return step * 2 / (2 + slot) * shape.following + entry % shape.following;
    };
    for (int step = 0; step < shape.steps; ++step) {
        StepState now = stateOf(entries);
        for (int entry = 0; entry < entries; ++entry) {
            const int slot = entry / shape.following;
            const int position = positionOf(entry, step);
            now.slot[entry] = slot;
            now.position[entry] = position;
            upload(attend.queries + entry * size, queriesOf(entry));
            upload(attend.keys + entry * kvSize, keysOf(slot, position));
            upload(attend.values + entry * kvSize, valuesOf(slot, position));
        }
        cudaMemcpy(state.data(), &now, sizeof(now), cudaMemcpyHostToDevice);
        program.run(state.data(), entries, program.phaseCount(), nullptr);
    }
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    const StepVector& out = combine.next.plain;
    const auto codes = download(static_cast<const int16_t*>(out.codes),
                                static_cast<size_t>(entries * out.blocks) * kQuantizedBlock);
    const auto scale = download(out.scale, static_cast<size_t>(entries * out.blocks));

    const auto rotate = [&](std::vector<float> head, int position) {
        return turned(std::move(head), cosines, sines, position);
    };
    const auto headOf = [&](const std::vector<float>& all, int head) {
        const auto first = all.begin() + head * shape.headSize;
        return std::vector<float>(first, first + shape.headSize);
    };
    for (int entry = 0; entry < entries; ++entry) {
        const int slot = entry / shape.following;
        const int last = positionOf(entry, shape.steps - 1);
        std::vector<float> expected;
        for (int head = 0; head < shape.heads; ++head) {
            const int kvHead = head / (shape.heads / shape.kvHeads);
            const std::vector<float> query = rotate(headOf(queriesOf(entry), head), last);
            std::vector<double> sum(static_cast<size_t>(shape.headSize));
            double weight = 0;
            for (int position = 0; position <= last; ++position) {
                const auto key = rotate(headOf(keysOf(slot, position), kvHead), position);
                const auto value = headOf(valuesOf(slot, position), kvHead);
                double score = 0;
                for (size_t i = 0; i < key.size(); ++i) {
                    score += static_cast<double>(query[i]) * key[i];
                }
                const double own = std::exp(score / std::sqrt(shape.headSize));
                weight += own;
                for (size_t i = 0; i < value.size(); ++i) {
                    sum[i] += own * value[i];
                }
            }
            for (const double each : sum) {
                expected.push_back(static_cast<float>(each / weight));
            }
        }
        std::vector<float> values;
        for (int i = 0; i < size; ++i) {
            values.push_back(codes[static_cast<size_t>(entry * out.blocks * 128 + i)] *
                             scale[static_cast<size_t>(entry * out.blocks + i / 128)]);
        }
        expectNear(values, expected, shape.cacheBits == 16 ? 4e-3F : 4e-2F,
                   "token " + std::to_string(entry));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CudaStepAttention,
    testing::Values(
        AttentionCase{3, 1, 64, 16, 5}, AttentionCase{9, 3, 64, 16, 130},
        AttentionCase{16, 2, 128, 16, 70}, AttentionCase{8, 8, 96, 16, 65},
        AttentionCase{8, 1, 256, 16, 3}, AttentionCase{14, 2, 64, 8, 140},
        AttentionCase{8, 1, 128, 8, 1100}, AttentionCase{16, 1, 128, 16, 70},
        AttentionCase{10, 1, 72, 8, 1200}, AttentionCase{8, 1, 256, 16, 150},
        AttentionCase{4, 2, 200, 8, 70}, AttentionCase{16, 2, 128, 16, 300, 5, 8},
        AttentionCase{8, 1, 128, 8, 200, 16, 8}, AttentionCase{8, 1, 128, 16, 8192, 2, 8},
        // Tokens that follow one another, also from one page to the next.
        AttentionCase{16, 2, 128, 16, 20, 1, 8, 8}, AttentionCase{9, 3, 64, 8, 30, 2, 8, 7},
        AttentionCase{8, 1, 256, 8, 12, 1, 8, 16}, AttentionCase{4, 2, 200, 16, 90, 3, 8, 3}),
    [](const auto& given) {
        const AttentionCase& each = given.param;
        return "h" + std::to_string(each.heads) + "kv" + std::to_string(each.kvHeads) + "d" +
               std::to_string(each.headSize) + "b" + std::to_string(each.cacheBits) + "t" +
               std::to_string(each.steps) + "s" + std::to_string(each.slots) + "i" +
               std::to_string(each.bits) +
               (each.following > 1 ? "f" + std::to_string(each.following) : "");
    });
