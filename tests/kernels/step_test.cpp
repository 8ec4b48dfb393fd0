// The phases of a step on a GPU against the processor's reference.
#include "kernels/step/program.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "kernels/common/device.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/lloyd/lloyd.h"
#include "tests/kernels/gpu_values.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

namespace {

constexpr float kEpsilon = 1e-6F;

/// A linear and what it does on the processor.
struct TestLinear {
    const TrellisCode* code;
    int rows;
    int columns;
    int rank;
    std::vector<uint8_t> codes, left, right;
    std::vector<float> scale, outSign, bias, factorScale;

    TestLinear(const TrellisCode& its, int height, int width, int itsRank, uint32_t seed)
        : code(&its), rows(height), columns(width), rank(itsRank),
          codes(randomBytes(static_cast<int64_t>(groups()) * width / its.columns * its.groupBytes(),
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
        reference::trellisGemv(
            {code, codes.data(), scale.data(), groups(), columns / code->columns}, x.data(),
            product.data(), {0, groups()});
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
};

std::vector<float> rotated(std::vector<float> x, const std::vector<float>& sign) {
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] *= sign[i];
    }
    const auto size = static_cast<int64_t>(x.size());
    blockHadamard(x.data(), 1, size, hadamardBlock(size));
    return x;
}

/// The values that codes of so many bits stand for.
std::vector<float> quantized(const std::vector<float>& x, int bits) {
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

class CudaStep : public testing::Test {
protected:
    void SetUp() override {
        const CudaDevice device = cudaDevice();
        if (!device.available) {
            GTEST_SKIP() << "needs a GPU: " << device.reason;
        }
    }

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

    Arrays arrays_;
};

class CudaStepProducts : public CudaStep, public testing::WithParamInterface<TrellisCode> {};

} // namespace

TEST_P(CudaStepProducts, AgreeWithTheReference) {
    const TrellisCode& code = *trellisCode(GetParam().id);
    struct Case {
        int rows, columns, rank, sequences;
    };
    for (const Case& each :
         {Case{16, 4, 0, 1}, Case{7, 128, 16, 2}, Case{576, 232, 0, 3}, Case{192, 576, 32, 1},
          Case{1000, 1536, 64, 1}, Case{64, 8192, 272, 1}, Case{8192, 1024, 64, 1},
          Case{48, 29568, 64, 1}, Case{256, 640, 16, 9}}) {
        for (const int bits : {8, 16}) {
            const TestLinear linear(code, each.rows, each.columns, each.rank, 63);
            const std::vector<float> x = inputsOf(each.sequences, each.columns);
            const std::vector<float> inSign = randomSigns(each.columns, 65);
            const auto values = multiply({linear}, x, inSign, each.sequences, bits).front();
            for (int sequence = 0; sequence < each.sequences; ++sequence) {
                const auto* first = x.data() + static_cast<int64_t>(sequence) * each.columns;
                const std::vector<float> own(first, first + each.columns);
                const std::vector<float> expected =
                    linear.apply(quantized(rotated(own, inSign), bits));
                const auto* got = values.data() + static_cast<int64_t>(sequence) * each.rows;
                expectNear({got, got + each.rows}, expected, 1e-4F,
                           std::to_string(each.rows) + " x " + std::to_string(each.columns) + ", " +
                               std::to_string(bits) + " bits, sequence " +
                               std::to_string(sequence));
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Codes, CudaStepProducts,
                         testing::ValuesIn(trellisCodes().begin(), trellisCodes().end()),
                         [](const auto& code) { return std::string(code.param.id).substr(8); });

TEST_F(CudaStep, MembersMayHaveDifferentCodesAndRanks) {
    const int columns = 896;
    std::vector<TestLinear> linears;
    linears.emplace_back(*trellisCode("trellis-v4k8m4"), 896, columns, 64, 10);
    linears.emplace_back(*trellisCode("trellis-v2k6m6"), 128, columns, 0, 20);
    linears.emplace_back(*trellisCode("trellis-v4k8m4"), 128, columns, 16, 30);
    const std::vector<float> x = inputsOf(1, columns);
    const std::vector<float> inSign = randomSigns(columns, 65);
    const auto values = multiply(linears, x, inSign, 1, 8);
    for (size_t i = 0; i < linears.size(); ++i) {
        expectNear(values[i], linears[i].apply(quantized(rotated(x, inSign), 8)), 1e-4F,
                   "member " + std::to_string(i));
    }
}

TEST_F(CudaStep, GivesTheSameBitsAgain) {
    const TestLinear linear(*trellisCode("trellis-v4k8m4"), 640, 4096, 64, 71);
    const std::vector<float> x = inputsOf(1, 4096);
    const std::vector<float> inSign = randomSigns(4096, 72);
    const auto first = multiply({linear}, x, inSign, 1, 8);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(multiply({linear}, x, inSign, 1, 8), first);
    }
}

TEST_F(CudaStep, ASequenceDoesNotDependOnTheOthers) {
    const TestLinear linear(*trellisCode("trellis-v4k8m4"), 640, 8192, 64, 71);
    const std::vector<float> x = inputsOf(5, 8192);
    const std::vector<float> inSign = randomSigns(8192, 72);
    for (const int bits : {16, 8}) {
        const auto together = multiply({linear}, x, inSign, 5, bits).front();
        for (int sequence = 0; sequence < 5; ++sequence) {
            const auto* first = x.data() + sequence * 8192;
            const auto alone = multiply({linear}, {first, first + 8192}, inSign, 1, bits).front();
            const auto* own = together.data() + sequence * 640;
            if (bits == 16) {
                EXPECT_EQ(alone, std::vector<float>(own, own + 640)) << sequence;
            } else { // tensor cores add in another order
                expectNear({own, own + 640}, alone, 1e-5F, "sequence " + std::to_string(sequence));
            }
        }
    }
}

TEST_F(CudaStep, ResidualsAreNormalisedForTheNextProducts) {
    const int size = 576;
    const TestLinear first(*trellisCode("trellis-v4k8m4"), size, size, 16, 11);
    const TestLinear second(*trellisCode("trellis-v4k8m4"), 192, size, 0, 12);
    const std::vector<float> norm = randomNormal(size, 1, 13);
    const std::vector<float> inSign = randomSigns(size, 14);
    const std::vector<float> x = inputsOf(1, size);

    StepProgram program(1, 16, kEpsilon);
    StepGroup o{{first.upload(arrays_)}, size, arrays_.upload(toHalf(inSign)), 64, nullptr};
    StepGroup gate{
        {second.upload(arrays_)}, size, arrays_.upload(toHalf(inSign)), 64, arrays_.upload(norm)};
    const StepInput oInput = program.inputOf(o, StepRole::O);
    const StepInput gateInput = program.inputOf(gate, StepRole::GateUp);
    const EmbedPhase embed = embedOf(x, size, 1, program, oInput);
    program.embed(embed);
    FinishPhase residual;
    residual.kind = FinishKind::Residual;
    residual.results[residual.resultCount++] = program.multiply(o, oInput).front();
    residual.hidden = embed.hidden;
    residual.next = gateInput;
    program.finish(residual, o, oInput);
    FinishPhase last;
    last.results[last.resultCount++] = program.multiply(gate, gateInput).front();
    last.results[0].values = program.floats(192);
    program.finish(last, gate, gateInput);
    run(program, stateOf(1));

    std::vector<float> hidden = first.apply(rotated(x, inSign));
    double squares = 0;
    for (int i = 0; i < size; ++i) {
        hidden[static_cast<size_t>(i)] += x[static_cast<size_t>(i)];
        squares += std::pow(hidden[static_cast<size_t>(i)], 2);
    }
    expectNear(download(embed.hidden, size), hidden, 1e-4F, "hidden");
    const auto rms = static_cast<float>(std::sqrt(squares / size + kEpsilon));
    for (int i = 0; i < size; ++i) {
        hidden[static_cast<size_t>(i)] *= norm[static_cast<size_t>(i)] / rms;
    }
    expectNear(download(last.results[0].values, 192), second.apply(rotated(hidden, inSign)), 3e-4F,
               "after the norm");
}

TEST_F(CudaStep, GatesAreSwiGlu) {
    const int size = 256;
    const int inner = 640;
    const TestLinear gate(*trellisCode("trellis-v4k8m4"), inner, size, 16, 11);
    const TestLinear up(*trellisCode("trellis-v4k8m4"), inner, size, 16, 12);
    const TestLinear down(*trellisCode("trellis-v4k6m6"), 96, inner, 0, 13);
    const std::vector<float> inSign = randomSigns(size, 14);
    const std::vector<float> downSign = randomSigns(inner, 15);
    std::vector<float> x = roundedToHalf(randomNormal(size, 0.3F, 16));

    StepProgram program(1, 16, kEpsilon);
    StepGroup first{{gate.upload(arrays_), up.upload(arrays_)},
                    size,
                    arrays_.upload(toHalf(inSign)),
                    128,
                    nullptr};
    StepGroup second{{down.upload(arrays_)}, inner, arrays_.upload(toHalf(downSign)), 128, nullptr};
    const StepInput input = program.inputOf(first, StepRole::GateUp);
    const StepInput downInput = program.inputOf(second, StepRole::Down);
    program.embed(embedOf(x, size, 1, program, input));
    FinishPhase finish;
    finish.kind = FinishKind::SwiGlu;
    for (const StepResult& result : program.multiply(first, input)) {
        finish.results[finish.resultCount++] = result;
    }
    finish.next = downInput;
    program.finish(finish, first, input);
    FinishPhase last;
    last.results[last.resultCount++] = program.multiply(second, downInput).front();
    last.results[0].values = program.floats(96);
    program.finish(last, second, downInput);
    run(program, stateOf(1));

    std::vector<float> inside = gate.apply(rotated(x, inSign));
    const std::vector<float> other = up.apply(rotated(x, inSign));
    for (size_t i = 0; i < inside.size(); ++i) {
        inside[i] = inside[i] / (1 + std::exp(-inside[i])) * other[i];
    }
    expectNear(download(last.results[0].values, 96), down.apply(rotated(inside, downSign)), 3e-4F,
               "after SwiGLU");
}

TEST_F(CudaStep, RowsOfTablesAreMultiplied) {
    for (const int columns : {64, 192, 1000, 8192}) {
        const int rows = 150;
        const std::vector<float> x = inputsOf(2, columns);
        for (const StepStorage storage :
             {StepStorage::Int4, StepStorage::Int8, StepStorage::Bfloat16}) {
            const int padded = storage == StepStorage::Int4 ? (columns + 63) / 64 * 64 : columns;
            const int64_t rowBytes = storage == StepStorage::Int4   ? padded / 2
                                     : storage == StepStorage::Int8 ? columns
                                                                    : 2 * columns;
            std::vector<uint8_t> codes = randomBytes(rows * rowBytes, 21);
            std::vector<float> tableScale =
                roundedToHalf(randomNormal(static_cast<int64_t>(rows) * padded / 64, 0.1F, 22));
            const std::vector<float> rowScale = randomNormal(rows, 0.1F, 23);
            const auto valueAt = [&](int row, int column) {
                const uint8_t* bytes = codes.data() + row * rowBytes;
                if (storage == StepStorage::Int4) {
                    const int code = (bytes[column / 2] >> (column % 2 * 4)) & 0xF;
                    return static_cast<float>(code - 8) *
                           tableScale[static_cast<size_t>(row * (padded / 64) + column / 64)];
                }
                if (storage == StepStorage::Int8) {
                    return static_cast<float>(static_cast<int8_t>(bytes[column])) *
                           rowScale[static_cast<size_t>(row)];
                }
                const uint32_t bits = bytes[2 * column] | bytes[2 * column + 1] << 8;
                return std::bit_cast<float>(bits << 16);
            };
            if (storage == StepStorage::Bfloat16) {
                for (size_t i = 0; i < codes.size(); ++i) { // small positive numbers
                    codes[i] &= i % 2 == 0 ? 0x7F : 0x3F;
                }
            }
            StepLinear linear;
            linear.storage = storage;
            linear.rows = rows;
            linear.columns = padded;
            linear.codes = arrays_.upload(codes);
            linear.tableScale = arrays_.upload(toHalf(tableScale));
            linear.rowScale = storage == StepStorage::Int8 ? arrays_.upload(rowScale) : nullptr;
            StepProgram program(2, 8, kEpsilon);
            const StepGroup group{{linear}, columns, nullptr, 1, nullptr};
            const StepInput input = program.inputOf(group, StepRole::Head);
            program.embed(embedOf(x, columns, 2, program, input));
            FinishPhase finish;
            finish.results[finish.resultCount++] = program.multiply(group, input).front();
            finish.results[0].values = program.floats(2 * rows);
            program.finish(finish, group, input);
            run(program, stateOf(2));
            std::vector<float> expected;
            for (int sequence = 0; sequence < 2; ++sequence) {
                for (int row = 0; row < rows; ++row) {
                    double sum = 0;
                    for (int column = 0; column < columns; ++column) {
                        sum += static_cast<double>(valueAt(row, column)) *
                               x[static_cast<size_t>(sequence * columns + column)];
                    }
                    expected.push_back(static_cast<float>(sum));
                }
            }
            expectNear(download(finish.results[0].values, 2 * rows), expected, 5e-4F,
                       std::to_string(columns) + " columns, storage " +
                           std::to_string(static_cast<int>(storage)));
        }
    }
}

TEST_F(CudaStep, EmbeddingsOfEveryStorage) {
    const int columns = 200;
    const int rows = 9;
    const std::vector<uint8_t> nibbles = randomBytes(rows * 128, 31);
    const std::vector<float> scale = roundedToHalf(randomNormal(rows * 4, 0.1F, 32));
    StepProgram program(2, 8, kEpsilon);
    EmbedPhase embed;
    embed.storage = StepStorage::Int4;
    embed.columns = columns;
    embed.rows = arrays_.upload(nibbles);
    embed.scale = arrays_.upload(toHalf(scale));
    embed.hidden = program.floats(2 * columns);
    embed.next = program.inputOf({{StepLinear{}}, columns, nullptr, 8, nullptr}, StepRole::Qkv);
    program.embed(embed);
    StepState state = stateOf(2);
    state.token[0] = 7;
    state.token[1] = 2;
    run(program, state);
    const std::vector<float> hidden = download(embed.hidden, 2 * columns);
    for (int sequence = 0; sequence < 2; ++sequence) {
        for (int i = 0; i < columns; ++i) {
            const int row = state.token[sequence];
            const int code = (nibbles[static_cast<size_t>(row * 128 + i / 2)] >> (i % 2 * 4)) & 0xF;
            EXPECT_EQ(hidden[static_cast<size_t>(sequence * columns + i)],
                      static_cast<float>(code - 8) * scale[static_cast<size_t>(row * 4 + i / 64)]);
        }
    }
}

namespace {

/// Attention of several tokens one after another, on both sides.
struct AttentionCase {
    int heads, kvHeads, headSize, cacheBits, tokens;
};

} // namespace

class CudaStepAttention : public CudaStep, public testing::WithParamInterface<AttentionCase> {};

TEST_P(CudaStepAttention, SeesTheWholeContext) {
    const AttentionCase& shape = GetParam();
    const int pagesEach = shape.tokens / kPageTokens + 1;
    const int slots = 2;
    const int kvSize = shape.kvHeads * shape.headSize;
    const int size = shape.heads * shape.headSize;
    const int64_t places = static_cast<int64_t>(slots * pagesEach) * shape.kvHeads * kPageTokens;
    StepProgram program(slots, 16, kEpsilon);
    AttendPhase attend;
    attend.heads = shape.heads;
    attend.kvHeads = shape.kvHeads;
    attend.headSize = shape.headSize;
    attend.tableWidth = pagesEach;
    attend.queries = program.floats(slots * size);
    attend.keys = program.floats(slots * kvSize);
    attend.values = program.floats(slots * kvSize);
    std::vector<float> cosines;
    std::vector<float> sines;
    for (int position = 0; position < shape.tokens; ++position) {
        for (int i = 0; i < shape.headSize / 2; ++i) {
            const double angle = position * std::pow(10000.0, -2.0 * i / shape.headSize);
            cosines.push_back(static_cast<float>(std::cos(angle)));
            sines.push_back(static_cast<float>(std::sin(angle)));
        }
    }
    attend.cosines = arrays_.upload(cosines);
    attend.sines = arrays_.upload(sines);
    std::vector<int32_t> pages; // of the two sequences, shuffled together
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
    const int64_t parts = static_cast<int64_t>(slots) * shape.heads * kAttentionParts;
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
        return randomNormal(kvSize, 1, static_cast<uint32_t>(1000 * slot + position));
    };
    const auto valuesOf = [&](int slot, int position) {
        return randomNormal(kvSize, 1, static_cast<uint32_t>(500000 + 1000 * slot + position));
    };
    const auto queriesOf = [&](int slot) {
        return randomNormal(size, 1, static_cast<uint32_t>(900000 + slot));
    };
    DeviceMemory<StepState> state(1);
    const auto upload = [](const float* to, const std::vector<float>& values) {
        cudaMemcpy(const_cast<float*>(to), values.data(), values.size() * 4,
                   cudaMemcpyHostToDevice);
    };
    // Slot 1 lags behind, so that the sequences of a step have different lengths.
    const auto positionOf = [&](int slot, int step) { return slot == 0 ? step : step * 2 / 3; };
    for (int step = 0; step < shape.tokens; ++step) {
        StepState now = stateOf(slots);
        for (int slot = 0; slot < slots; ++slot) {
            now.position[slot] = positionOf(slot, step);
            upload(attend.queries + slot * size, queriesOf(slot));
            upload(attend.keys + slot * kvSize, keysOf(slot, now.position[slot]));
            upload(attend.values + slot * kvSize, valuesOf(slot, now.position[slot]));
        }
        cudaMemcpy(state.data(), &now, sizeof(now), cudaMemcpyHostToDevice);
        program.run(state.data(), slots, program.phaseCount(), nullptr);
    }
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    const StepVector& out = combine.next.plain;
    const auto codes = download(static_cast<const int16_t*>(out.codes),
                                static_cast<size_t>(slots * out.blocks) * kQuantizedBlock);
    const auto scale = download(out.scale, static_cast<size_t>(slots * out.blocks));

    const auto rotate = [&](std::vector<float> head, int position) {
        const int turned = shape.headSize / 2;
        for (int i = 0; i < turned; ++i) {
            const float a = head[static_cast<size_t>(i)];
            const float b = head[static_cast<size_t>(i + turned)];
            const float cosine = cosines[static_cast<size_t>(position * turned + i)];
            const float sine = sines[static_cast<size_t>(position * turned + i)];
            head[static_cast<size_t>(i)] = a * cosine - b * sine;
            head[static_cast<size_t>(i + turned)] = b * cosine + a * sine;
        }
        return head;
    };
    const auto headOf = [&](const std::vector<float>& all, int head) {
        const auto first = all.begin() + head * shape.headSize;
        return std::vector<float>(first, first + shape.headSize);
    };
    for (int slot = 0; slot < slots; ++slot) {
        const int last = positionOf(slot, shape.tokens - 1);
        std::vector<float> expected;
        for (int head = 0; head < shape.heads; ++head) {
            const int kvHead = head / (shape.heads / shape.kvHeads);
            const std::vector<float> query = rotate(headOf(queriesOf(slot), head), last);
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
            values.push_back(codes[static_cast<size_t>(slot * out.blocks * 128 + i)] *
                             scale[static_cast<size_t>(slot * out.blocks + i / 128)]);
        }
        expectNear(values, expected, shape.cacheBits == 16 ? 4e-3F : 4e-2F,
                   "slot " + std::to_string(slot));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CudaStepAttention,
    testing::Values(AttentionCase{3, 1, 64, 16, 5}, AttentionCase{9, 3, 64, 16, 130},
                    AttentionCase{16, 2, 128, 16, 70}, AttentionCase{8, 8, 96, 16, 65},
                    AttentionCase{8, 1, 256, 16, 3}, AttentionCase{14, 2, 64, 8, 140},
                    AttentionCase{8, 1, 128, 8, 1100}),
    [](const auto& given) {
        const AttentionCase& each = given.param;
        return "h" + std::to_string(each.heads) + "kv" + std::to_string(each.kvHeads) + "d" +
               std::to_string(each.headSize) + "b" + std::to_string(each.cacheBits) + "t" +
               std::to_string(each.tokens);
    });
