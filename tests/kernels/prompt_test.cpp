// Products, gates and tables of prompts on a GPU against the processor's reference.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/dense/dense.h"
#include "kernels/prompt/linear_products.h"
#include "tests/kernels/prompt_fixture.h"
#include "tests/kernels/prompt_linear.h"

using namespace prompt_test;

namespace {

/// Of the largest value: inputs have 11 bits, R x and L ten.
constexpr float kTolerance = 1e-3F;

class CudaPromptLinears : public CudaPrompt {
protected:
    /// Vectors of very different sizes, beyond what fp16 holds; one of zeros, one large element.
    static Floats inputsOf(int tokens, int size) {
        Floats x = randomNormal(static_cast<int64_t>(tokens) * size, 1, 68);
        for (size_t i = 0; i < x.size(); ++i) {
            const size_t token = i / static_cast<size_t>(size);
            x[i] *= token % 4 == 1 ? 1e5F : token % 4 == 2 ? 1e-6F : token % 4 == 3 ? 0 : 1;
        }
        x[static_cast<size_t>(size) / 2] = 50;
        return x;
    }

    PromptVectors prepare(const Floats& x, const TestInput& input, int tokens) {
        PromptVectors vectors;
        vectors.columns = input.size;
        vectors.stride = promptStride(input.size);
        vectors.numbers = arrays_.take<uint16_t>(static_cast<size_t>(tokens) *
                                                 static_cast<size_t>(vectors.stride));
        vectors.scale = arrays_.take<float>(static_cast<size_t>(tokens));
        promptInput({arrays_.upload(x), input.upload(arrays_), kEpsilon}, tokens, vectors, nullptr);
        return vectors;
    }

    LinearProducts productsFor(std::initializer_list<const TestLinear*> linears, int tokens) {
        int64_t bytes = 0;
        int rank = 0;
        for (const TestLinear* each : linears) {
            const StepLinear& linear = each->onGpu();
            bytes = std::max(bytes,
                             promptTileBytes(std::max(linear.rows, linear.rank), linear.columns));
            rank = std::max(rank, linear.rank);
        }
        return {*products_, nullptr, tokens, rank,
                arrays_.take<uint8_t>(static_cast<size_t>(bytes))};
    }

    /// The linear's values [tokens, rows], and the same added to ones.
    std::pair<Floats, Floats> run(const TestLinear& linear, const PromptVectors& x, int tokens) {
        const auto count = static_cast<size_t>(tokens) * static_cast<size_t>(linear.rows());
        float* values = arrays_.take<float>(count);
        float* sums = arrays_.upload(Floats(count, 1.0F));
        LinearProducts products = productsFor({&linear}, tokens);
        products.reduce(linear.onGpu(), x, tokens, 0);
        for (int row = 0; row < linear.rows(); row += promptSliceRows(linear.onGpu().columns)) {
            PromptProduct product = products.multiply(linear.onGpu(), x, tokens, row, 0);
            product.result.values = values;
            promptFinish(product, tokens, sums, nullptr);
        }
        return {download(values, count), download(sums, count)};
    }

    void expectProduct(const TestLinear& linear, int columns, int tokens, const TestInput& input,
                       const std::string& what) {
        const Floats x = inputsOf(tokens, columns);
        const auto [values, sums] = run(linear, prepare(x, input, tokens), tokens);
        for (int token = 0; token < tokens; ++token) {
            const Floats expected = linear.apply(input.apply(rowOf(x, token, columns)));
            const std::string where = what + ", token " + std::to_string(token);
            expectNear(rowOf(values, token, linear.rows()), expected, kTolerance, where);
        }
        for (size_t i = 0; i < sums.size(); ++i) {
            ASSERT_EQ(sums[i], 1 + values[i]) << what << ", sum " << i;
        }
    }
};

class CudaPromptProducts : public CudaPromptLinears,
                           public testing::WithParamInterface<StepCode> {};

} // namespace

TEST_P(CudaPromptProducts, AgreeWithTheReference) {
    const StepCode& code = *stepCode(GetParam().id);
    struct Case {
        int rows, columns, rank, tokens;
    };
    // Rows that are no whole group or block, columns that are no whole block, more rows than a
    // slice has, and more columns than leave room for a slice of so many.
    for (const Case& each :
         {Case{16, code.columns == 8 ? 8 : 4, 0, 1}, Case{7, 128, 16, 2}, Case{576, 232, 0, 5},
          Case{1000, 1536, 64, 3}, Case{2320, 64, 32, 4}, Case{1800, 29568, 0, 1},
          Case{48, 29568, 64, 4}, Case{256, 640, 16, 130}}) {
        const TestLinear linear(arrays_, Kind::Coded, code, each.rows, each.columns, each.rank, 63);
        const TestInput input{each.columns, randomNormal(each.columns, 1, 64),
                              randomSigns(each.columns, 65)};
        expectProduct(linear, each.columns, each.tokens, input,
                      std::to_string(each.rows) + " x " + std::to_string(each.columns));
    }
}

INSTANTIATE_TEST_SUITE_P(Codes, CudaPromptProducts,
                         testing::ValuesIn(stepCodes().begin(), stepCodes().end()),
                         [](const auto& code) { return testName(code.param.id); });

TEST_F(CudaPromptLinears, WeightsOfSixteenBitsAreMultipliedAsTheyAre) {
    const StepCode& none = stepCodes().front();
    for (const int columns : {40, 225, 1536}) {
        for (const Kind kind : {Kind::Float16, Kind::Bfloat16}) {
            const bool isPlain = kind == Kind::Bfloat16;
            const TestLinear linear(arrays_, kind, none, 2100, columns, isPlain ? 0 : 16, 5);
            const TestInput input{columns, {}, isPlain ? Floats{} : randomSigns(columns, 65)};
            expectProduct(linear, columns, 6, input,
                          std::to_string(columns) + " columns, kind " +
                              std::to_string(static_cast<int>(kind)));
        }
    }
}

TEST_F(CudaPromptLinears, GivesTheSameBitsAgain) {
    const TestLinear linear(arrays_, Kind::Coded, *stepCode("trellis-v4k8m4"), 640, 4096, 64, 71);
    const TestInput input{4096, {}, randomSigns(4096, 72)};
    const PromptVectors x = prepare(inputsOf(70, 4096), input, 70);
    const Floats first = run(linear, x, 70).first;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(run(linear, x, 70).first, first);
    }
}

TEST_F(CudaPromptLinears, RefusesARankBeyondItsRoom) {
    const TestLinear small(arrays_, Kind::Coded, stepCodes().front(), 64, 64, 16, 1);
    const TestLinear large(arrays_, Kind::Coded, stepCodes().front(), 64, 64, 32, 1);
    LinearProducts products = productsFor({&small}, 1);
    const PromptVectors x = prepare(inputsOf(1, 64), {64, {}, {}}, 1);
    EXPECT_THROW(products.reduce(large.onGpu(), x, 1, 0), KernelError);
}

TEST_F(CudaPromptLinears, GatesAreSwiGluWithOneScaleForAllSlices) {
    const int size = 128;
    const int inner = 2 * kPromptSliceRows + 640;
    const int tokens = 5;
    const StepCode& code = *stepCode("trellis-v4k8m4");
    const TestLinear gate(arrays_, Kind::Coded, code, inner, size, 16, 11);
    const TestLinear up(arrays_, Kind::Bfloat16, code, inner, size, 0, 12);
    const TestLinear down(arrays_, Kind::Coded, code, 96, inner, 16, 13);
    const TestInput rotated{size, {}, randomSigns(size, 14)};
    const TestInput plain{size, {}, {}};
    const TestInput downInput{inner, {}, randomSigns(inner, 15)};
    Floats x = randomNormal(tokens * size, 0.3F, 16);
    std::fill(x.begin() + size, x.begin() + 2 * size, 0.0F);
    const PromptVectors forGate = prepare(x, rotated, tokens);
    const PromptVectors forUp = prepare(x, plain, tokens);

    PromptGate out;
    out.next = downInput.upload(arrays_);
    out.stride = promptStride(inner);
    out.numbers = arrays_.take<uint16_t>(static_cast<size_t>(tokens * out.stride));
    out.sliceRows = promptSliceRows(size);
    out.slices = (inner + out.sliceRows - 1) / out.sliceRows;
    out.sliceScale = arrays_.take<float>(static_cast<size_t>(tokens * out.slices));
    LinearProducts products = productsFor({&gate, &up}, tokens);
    products.reduce(gate.onGpu(), forGate, tokens, 0);
    products.reduce(up.onGpu(), forUp, tokens, 1);
    for (int row = 0; row < inner; row += out.sliceRows) {
        const PromptProduct ofGate = products.multiply(gate.onGpu(), forGate, tokens, row, 0);
        promptGate(ofGate, products.multiply(up.onGpu(), forUp, tokens, row, 1), out, tokens,
                   nullptr);
    }
    const PromptVectors joined{out.numbers, arrays_.take<float>(tokens), inner, out.stride};
    promptJoinSlices(out, joined.scale, tokens, nullptr);
    const Floats values = run(down, joined, tokens).first;

    for (int token = 0; token < tokens; ++token) {
        const Floats own = rowOf(x, token, size);
        Floats inside = gate.apply(rotated.apply(own));
        reference::swiGlu(inside.data(), up.apply(plain.apply(own)).data(), inner);
        expectNear(rowOf(values, token, 96), down.apply(downInput.apply(inside)), 2 * kTolerance,
                   "token " + std::to_string(token));
    }
}

TEST_F(CudaPromptLinears, TablesOfEveryStorageBeginAndEndIt) {
    const int columns = 200; // of 256 in 4 bits
    const int rows = 150;
    const std::vector<int32_t> tokens = {7, 149, 0};
    const Floats x = randomNormal(columns, 1, 21);
    const Floats blockScale = roundedToHalf(randomNormal(rows * 4, 0.1F, 22));
    const Floats rowScale = roundedToHalf(randomNormal(rows, 0.1F, 23));
    const std::vector<uint8_t> bytes = randomBytes(rows * columns, 24);
    const Floats dense = fromBfloat16(toBfloat16(randomNormal(rows * columns, 1, 25)));
    const auto valueAt = [&](StepStorage storage, int row, int column) {
        const auto at = static_cast<size_t>(row * columns + column);
        if (storage == StepStorage::Int4) {
            const int code =
                (bytes[static_cast<size_t>(row * 128 + column / 2)] >> (column % 2 * 4)) & 0xF;
            return static_cast<float>(code - 8) *
                   blockScale[static_cast<size_t>(row * 4 + column / 64)];
        }
        return storage == StepStorage::Int8 ? static_cast<float>(static_cast<int8_t>(bytes[at])) *
                                                  rowScale[static_cast<size_t>(row)]
                                            : dense[at];
    };
    for (const StepStorage storage :
         {StepStorage::Int4, StepStorage::Int8, StepStorage::Bfloat16}) {
        const bool isDense = storage == StepStorage::Bfloat16;
        StepLinear head;
        head.storage = storage;
        head.rows = rows;
        head.codes = isDense ? reinterpret_cast<const uint8_t*>(arrays_.upload(toBfloat16(dense)))
                             : arrays_.upload(bytes);
        head.tableScale =
            storage == StepStorage::Int4 ? arrays_.upload(toHalf(blockScale)) : nullptr;
        head.rowScale = storage == StepStorage::Int8 ? arrays_.upload(rowScale) : nullptr;
        float* logits = arrays_.take<float>(rows);
        promptLogits(head, arrays_.upload(x), columns, logits, nullptr);
        EmbedPhase table;
        table.storage = storage;
        table.columns = columns;
        table.rows = head.codes;
        table.scale =
            storage == StepStorage::Int8 ? arrays_.upload(toHalf(rowScale)) : head.tableScale;
        table.hidden = arrays_.take<float>(tokens.size() * columns);
        promptEmbed(table, arrays_.upload(tokens), static_cast<int>(tokens.size()), nullptr);

        Floats expected(rows);
        Floats hidden;
        for (int row = 0; row < rows; ++row) {
            for (int c = 0; c < columns; ++c) {
                expected[static_cast<size_t>(row)] +=
                    valueAt(storage, row, c) * x[static_cast<size_t>(c)];
            }
        }
        for (const int32_t token : tokens) {
            for (int c = 0; c < columns; ++c) {
                hidden.push_back(valueAt(storage, token, c));
            }
        }
        const std::string what = "storage " + std::to_string(static_cast<int>(storage));
        expectNear(download(logits, rows), expected, 1e-5F, what);
        EXPECT_EQ(download(table.hidden, tokens.size() * columns), hidden) << what;
    }
}

TEST_F(CudaPromptLinears, TheLastNormIsTheReference) {
    const Floats norm = randomNormal(1000, 1, 1);
    const Floats x = randomNormal(1000, 30, 2);
    float* normed = arrays_.take<float>(1000);
    promptNorm(arrays_.upload(x), arrays_.upload(norm), 1000, kEpsilon, normed, nullptr);
    expectNear(download(normed, 1000), TestInput{1000, norm, {}}.apply(x), 1e-5F, "norm");
}
