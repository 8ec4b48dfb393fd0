// What all tests of steps on a GPU work with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/common/device.h"
#include "kernels/e8p/e8p.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/step/program.h"
#include "tests/kernels/gpu_test.h"
#include "tests/kernels/gpu_values.h"
#include "tests/kernels/random_values.h"

namespace caldera::kernels::cuda {

inline constexpr float kEpsilon = 1e-6F;

/// A linear and what it does on the processor.
struct TestLinear {
    const StepCode* code;
    int rows;
    int columns;
    int rank;
    std::vector<uint8_t> codes, left, right;
    std::vector<float> scale, outSign, bias, factorScale;

    TestLinear(const StepCode& its, int height, int width, int itsRank, uint32_t seed)
        : code(&its), rows(height), columns(width), rank(itsRank),
          codes(randomBytes(static_cast<int64_t>(groups()) * width / its.columns * its.groupBytes,
                            seed)),
          left(randomBytes(static_cast<int64_t>(height) * itsRank / 2, seed + 1)),
          right(randomBytes(static_cast<int64_t>(itsRank) * ((width + 1) / 2), seed + 2)),
          scale(randomNormal(groups(), 0.1F, seed + 3)), outSign(randomSigns(height, seed + 4)),
          bias(randomNormal(height, 0.5F, seed + 5)),
          factorScale(randomNormal(itsRank, 0.05F, seed + 6)) {}

    int groups() const { return (rows + 15) / 16; }
    StepLinear upload(Arrays& arrays) const {
        std::vector<float> stepped = scale;
        for (float& each : stepped) {
            each *= code->step;
        }
        StepLinear linear;
        linear.code = code;
        linear.rows = rows;
        linear.columns = columns;
        linear.codes = arrays.upload(codes);
        linear.scale = arrays.upload(stepped);
        linear.outSign = arrays.upload(toHalf(outSign));
        linear.outBlock = static_cast<int>(hadamardBlock(rows));
        linear.bias = arrays.upload(bias);
        linear.rank = rank;
        if (rank > 0) {
            linear.left.codes = arrays.upload(left);
            linear.right.codes = arrays.upload(right);
            linear.factorScale = arrays.upload(factorScale);
        }
        return linear;
    }
    /// y of the rotated input.
    std::vector<float> apply(const std::vector<float>& x) const {
        std::vector<float> product(static_cast<size_t>(16 * groups()));
        multiplyQ(x, product);
        if (rank > 0) {
            const std::vector<float> ones(static_cast<size_t>(rank), 1.0F);
            std::vector<float> reduced(static_cast<size_t>(rank));
            reference::lloydProject({right.data(), rank, columns}, factorScale.data(), x.data(),
                                    reduced.data(), {0, rank});
            reference::lloydExpand({left.data(), rows, rank}, ones.data(), reduced.data(),
                                   product.data(), {0, rows});
        }
        std::vector<float> y(static_cast<size_t>(rows));
        reference::rotateOutput(product.data(), outSign.data(), bias.data(),
                                {rows, hadamardBlock(rows)}, y.data());
        return y;
    }

private:
    void multiplyQ(const std::vector<float>& x, std::vector<float>& product) const {
        const int64_t blocks = columns / code->columns;
        if (code->trellis != nullptr) {
            reference::trellisGemv({code->trellis, codes.data(), scale.data(), groups(), blocks},
                                   x.data(), product.data(), {0, groups()});
        } else {
            reference::e8pGemv(
                {reinterpret_cast<const uint16_t*>(codes.data()), scale.data(), groups(), blocks},
                x.data(), product.data(), {0, groups()});
        }
    }
};

inline std::vector<float> rotated(std::vector<float> x, const std::vector<float>& sign) {
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] *= sign[i];
    }
    const auto size = static_cast<int64_t>(x.size());
    blockHadamard(x.data(), 1, size, hadamardBlock(size));
    return x;
}

/// The values that codes of so many bits stand for.
inline std::vector<float> quantized(const std::vector<float>& x, int bits) {
    const float most = bits == 8 ? kLargestCode8 : kLargestCode16;
    std::vector<float> values(x.size());
    for (size_t first = 0; first < x.size(); first += kQuantizedBlock) {
        const size_t end = std::min(first + static_cast<size_t>(kQuantizedBlock), x.size());
        float largest = 0;
        for (size_t i = first; i < end; ++i) {
            largest = std::max(largest, std::abs(x[i]));
        }
        const float inverse = largest > 0 ? most / largest : 0;
        for (size_t i = first; i < end; ++i) {
            values[i] = std::nearbyint(x[i] * inverse) * (largest / most);
        }
    }
    return values;
}

class CudaStep : public GpuTest {
protected:
    /// Inputs of the sequences, fp16 [sequences, columns]; some blocks are zero, one element is
    /// large.
    std::vector<float> inputsOf(int sequences, int columns) {
        std::vector<float> x =
            roundedToHalf(randomNormal(static_cast<int64_t>(sequences) * columns, 1, 68));
        x[static_cast<size_t>(columns) / 2] = 100;
        for (int i = 128; i < std::min(columns, 256); ++i) {
            x[static_cast<size_t>(i)] = 0;
        }
        return x;
    }

    static StepState stateOf(int sequences) {
        StepState state;
        state.count = sequences;
        for (int i = 0; i < sequences; ++i) {
            state.token[i] = i;
            state.slot[i] = i;
        }
        return state;
    }

    EmbedPhase embedOf(const std::vector<float>& x, int columns, int sequences,
                       StepProgram& program, const StepInput& next) {
        EmbedPhase embed;
        embed.storage = StepStorage::Float16;
        embed.columns = columns;
        embed.rows = reinterpret_cast<const uint8_t*>(arrays_.upload(toHalf(x)));
        embed.hidden = program.floats(static_cast<int64_t>(sequences) * columns);
        embed.next = next;
        return embed;
    }

    void run(StepProgram& program, const StepState& state) {
        program.seal(1 << 20);
        const auto* uploaded = arrays_.upload(std::vector<StepState>{state});
        program.run(uploaded, state.count, program.phaseCount(), nullptr);
        ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    }

    /// Products of linears with one input and the values they give, [members][sequences, rows].
    std::vector<std::vector<float>> multiply(const std::vector<TestLinear>& linears,
                                             const std::vector<float>& x,
                                             const std::vector<float>& inSign, int sequences,
                                             int bits) {
        const int columns = linears.front().columns;
        StepProgram program(sequences, bits, kEpsilon);
        StepGroup group;
        group.columns = columns;
        group.inSign = arrays_.upload(toHalf(inSign));
        group.inBlock = static_cast<int>(hadamardBlock(columns));
        for (const TestLinear& linear : linears) {
            group.members.push_back(linear.upload(arrays_));
        }
        const StepInput input = program.inputOf(group, StepRole::Qkv);
        program.embed(embedOf(x, columns, sequences, program, input));
        FinishPhase finish;
        for (StepResult& result : program.multiply(group, input)) {
            result.values = program.floats(static_cast<int64_t>(sequences) * result.rows);
            finish.results[finish.resultCount++] = result;
        }
        program.finish(finish, group, input);
        run(program, stateOf(sequences));
        std::vector<std::vector<float>> values;
        for (int i = 0; i < finish.resultCount; ++i) {
            values.push_back(download(finish.results[i].values,
                                      static_cast<size_t>(sequences) *
                                          static_cast<size_t>(finish.results[i].rows)));
        }
        return values;
    }

    /// Every sequence's part of `values` [sequences, rows] is what the linear makes of its input,
    /// rounded to so many bits.
    static void expectRows(const TestLinear& linear, const std::vector<float>& x,
                           const std::vector<float>& inSign, int bits,
                           const std::vector<float>& values) {
        const auto sequences = static_cast<int64_t>(x.size()) / linear.columns;
        ASSERT_EQ(static_cast<int64_t>(values.size()), sequences * linear.rows);
        for (int64_t sequence = 0; sequence < sequences; ++sequence) {
            const auto* first = x.data() + sequence * linear.columns;
            const std::vector<float> own(first, first + linear.columns);
            const auto* got = values.data() + sequence * linear.rows;
            expectNear({got, got + linear.rows},
                       linear.apply(quantized(rotated(own, inSign), bits)), 1e-4F,
                       std::string(linear.code->id) + ", " + std::to_string(linear.rows) + " x " +
                           std::to_string(linear.columns) + ", " + std::to_string(bits) +
                           " bits, sequence " + std::to_string(sequence));
        }
    }

    Arrays arrays_;
};

} // namespace caldera::kernels::cuda
