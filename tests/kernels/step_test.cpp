// The phases of a step on a GPU against the processor's reference; attention has its own file.
#include <cstdio>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "kernels/step/program_sizes.h"
#include "tests/kernels/step_fixture.h"
#include "tests/kernels/stored_table.h"

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

namespace {

class CudaStepProducts : public CudaStep, public testing::WithParamInterface<StepCode> {};

} // namespace

TEST_P(CudaStepProducts, AgreeWithTheReference) {
    const StepCode& code = *stepCode(GetParam().id);
    struct Case {
        int rows, columns, rank, sequences;
    };
    for (const Case& each :
         {Case{16, code.columns == 8 ? 8 : 4, 0, 1}, Case{7, 128, 16, 2}, Case{576, 232, 0, 3},
          Case{192, 576, 32, 1}, Case{1000, 1536, 64, 1}, Case{64, 8192, 272, 1},
          Case{8192, 1024, 64, 1}, Case{48, 29568, 64, 1}, Case{256, 640, 16, 9},
          // Several pieces of the input, and teams that end several sequences.
          Case{48, 29568, 64, 8}, Case{64, 8192, 64, 9}, Case{4352, 256, 128, 16}}) {
        for (const int bits : {8, 16}) {
            const TestLinear linear(code, each.rows, each.columns, each.rank, 63);
            const std::vector<float> x = inputsOf(each.sequences, each.columns);
            const std::vector<float> inSign = randomSigns(each.columns, 65);
            if (stepSharedBytes(blocksOf(each.columns), bits) > stepSharedLimit()) {
                EXPECT_EQ(bits, 16) << "inputs of 8 bits have room on every GPU";
                EXPECT_THROW(multiply({linear}, x, inSign, each.sequences, bits), KernelError);
                continue;
            }
            expectRows(linear, x, inSign, bits,
                       multiply({linear}, x, inSign, each.sequences, bits).front());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Codes, CudaStepProducts,
                         testing::ValuesIn(stepCodes().begin(), stepCodes().end()),
                         [](const auto& code) { return testName(code.param.id); });

TEST_F(CudaStep, MembersMayHaveDifferentCodesAndRanks) {
    const int columns = 896;
    std::vector<TestLinear> linears;
    linears.emplace_back(*stepCode("trellis-v4k8m4"), 896, columns, 64, 10);
    linears.emplace_back(*stepCode("trellis-v2k6m6"), 128, columns, 0, 20);
    linears.emplace_back(*stepCode("e8p-2"), 128, columns, 16, 30);
    const std::vector<float> inSign = randomSigns(columns, 65);
    for (const int sequences : {1, 2, 8, 9, 16}) {
        const std::vector<float> x = inputsOf(sequences, columns);
        for (const int bits : {8, 16}) {
            const auto values = multiply(linears, x, inSign, sequences, bits);
            for (size_t i = 0; i < linears.size(); ++i) {
                expectRows(linears[i], x, inSign, bits, values[i]);
            }
        }
    }
}

/// More parts of R than the GPU has warps, so that an item has several chunks of columns, the last
/// of which is no whole one.
TEST_F(CudaStep, ItemsOfLargeFactorsHaveSeveralChunks) {
    const int columns = 29568 + 8;
    const TestLinear linear(*stepCode("trellis-v4k8m4"), 64, columns, 512, 81);
    const std::vector<float> x = inputsOf(2, columns);
    const std::vector<float> inSign = randomSigns(columns, 82);
    for (const int sequences : {1, 2}) {
        const std::vector<float> own(x.begin(), x.begin() + sequences * columns);
        expectRows(linear, own, inSign, 8, multiply({linear}, own, inSign, sequences, 8).front());
    }
}

TEST_F(CudaStep, HasRoomForTheInputsOfLargeModels) {
    const int needed = stepSharedBytes(blocksOf(29568), 8); // of Qwen2-72B's down
    std::printf("A step's thread block may have %d KiB of shared memory, %d are needed\n",
                stepSharedLimit() >> 10, (needed >> 10) + 1);
    EXPECT_LE(needed, stepSharedLimit());
    EXPECT_GT(splitBatch(512, blocksOf(29568), 1024).pieceBlocks, 0);
    EXPECT_GT(splitTable(9504, 64).pieceBlocks, 0);
}

TEST_F(CudaStep, GivesTheSameBitsAgain) {
    const TestLinear linear(*stepCode("trellis-v4k8m4"), 640, 4096, 64, 71);
    const std::vector<float> x = inputsOf(1, 4096);
    const std::vector<float> inSign = randomSigns(4096, 72);
    const auto first = multiply({linear}, x, inSign, 1, 8);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(multiply({linear}, x, inSign, 1, 8), first);
    }
}

TEST_F(CudaStep, ASequenceDoesNotDependOnTheOthers) {
    const TestLinear linear(*stepCode("trellis-v4k8m4"), 640, 8192, 64, 71);
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

TEST_F(CudaStep, RowsOfTablesAreMultiplied) {
    for (const auto& [columns, sequences] : {std::pair{64, 2},
                                             {192, 5},
                                             {1000, 3},
                                             {4672, 3},
                                             {8192, 2},
                                             {8192, 11},
                                             {896, 8},
                                             {12288, 4}}) {
        const int rows = 150;
        const std::vector<float> x = inputsOf(sequences, columns);
        for (const StepStorage storage :
             {StepStorage::Int4, StepStorage::Int8, StepStorage::Bfloat16}) {
            const StoredTable table(storage, rows, columns, 21);
            StepLinear linear;
            linear.storage = storage;
            linear.rows = rows;
            linear.columns = table.padded;
            linear.codes = arrays_.upload(table.codes);
            linear.tableScale = arrays_.upload(toHalf(table.scale));
            linear.rowScale = storage == StepStorage::Int8 ? arrays_.upload(table.scale) : nullptr;
            StepProgram program(sequences, 8, kEpsilon);
            const StepGroup group{{linear}, columns, nullptr, 1, nullptr};
            const StepInput input = program.inputOf(group, StepRole::Head);
            program.embed(embedOf(x, columns, sequences, program, input));
            FinishPhase finish;
            finish.results[finish.resultCount++] = program.multiply(group, input).front();
            finish.results[0].values = program.floats(static_cast<int64_t>(sequences) * rows);
            program.finish(finish, group, input);
            run(program, stateOf(sequences));
            std::vector<float> expected;
            for (int sequence = 0; sequence < sequences; ++sequence) {
                for (int row = 0; row < rows; ++row) {
                    double sum = 0;
                    for (int column = 0; column < columns; ++column) {
                        sum += static_cast<double>(table.at(row, column)) *
                               x[static_cast<size_t>(sequence * columns + column)];
                    }
                    expected.push_back(static_cast<float>(sum));
                }
            }
            expectNear(download(finish.results[0].values, expected.size()), expected, 5e-4F,
                       std::to_string(columns) + " columns, " + std::to_string(sequences) +
                           " sequences, storage " + std::to_string(static_cast<int>(storage)));
        }
    }
}

TEST_F(CudaStep, EmbeddingsOfEveryStorage) {
    const int rows = 9;
    for (const int columns : {200, 256}) {
        for (const StepStorage storage :
             {StepStorage::Int4, StepStorage::Int8, StepStorage::Bfloat16, StepStorage::Float16}) {
            const StoredTable table(storage, rows, columns, 31);
            StepProgram program(2, 8, kEpsilon);
            EmbedPhase embed;
            embed.storage = storage;
            embed.columns = columns;
            embed.rows = arrays_.upload(table.codes);
            embed.scale = arrays_.upload(toHalf(table.scale));
            embed.hidden = program.floats(int64_t{2} * columns);
            const int block = columns % 128 == 0 ? 128 : 8; // even, and not
            embed.next =
                program.inputOf({{StepLinear{}}, columns, nullptr, block, nullptr}, StepRole::Qkv);
            program.embed(embed);
            StepState state = stateOf(2);
            state.token[0] = 7;
            state.token[1] = 2;
            run(program, state);
            const auto hidden = download(embed.hidden, static_cast<size_t>(2 * columns));
            for (int i = 0; i < 2 * columns; ++i) {
                EXPECT_EQ(hidden[static_cast<size_t>(i)],
                          table.at(state.token[i / columns], i % columns))
                    << i << ", storage " << static_cast<int>(storage);
            }
        }
    }
}
