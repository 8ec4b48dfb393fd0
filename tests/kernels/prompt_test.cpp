// Prompts on a GPU against the processor's reference.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/common/device.h"
#include "kernels/dense/dense.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/prompt/attention.h"
#include "kernels/prompt/linear_products.h"
#include "tests/kernels/gpu_values.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

namespace {

constexpr float kEpsilon = 1e-6F;
/// Of the largest value: inputs have 11 bits, R x and L ten.
constexpr float kTolerance = 1e-3F;

using Floats = std::vector<float>;

std::vector<uint16_t> toBfloat16(const Floats& values) {
    std::vector<uint16_t> bits(values.size());
    std::transform(values.begin(), values.end(), bits.begin(), [](float value) {
        return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    });
    return bits;
}

Floats fromBfloat16(const std::vector<uint16_t>& bits) {
    Floats values(bits.size());
    std::transform(bits.begin(), bits.end(), values.begin(), [](uint16_t each) {
        return std::bit_cast<float>(static_cast<uint32_t>(each) << 16);
    });
    return values;
}

Floats rowOf(const Floats& rows, int64_t row, int64_t size) {
    return {rows.begin() + row * size, rows.begin() + (row + 1) * size};
}

/// How the numbers of a linear of the tests are stored.
enum class Kind { Trellis, Float16, Bfloat16 };

/// A linear and what it does on the processor.
class TestLinear {
public:
    TestLinear(Arrays& arrays, Kind kind, const TrellisCode& code, int rows, int columns, int rank,
               uint32_t seed)
        : kind_(kind), weights_(weightsOf(arrays, code, rows, columns, seed)) {
        linear_.rows = rows;
        linear_.columns = columns;
        if (kind != Kind::Bfloat16) {
            sign_ = randomSigns(rows, seed + 4);
            linear_.outSign = arrays.upload(toHalf(sign_));
            linear_.outBlock = static_cast<int>(hadamardBlock(rows));
        }
        bias_ = randomNormal(rows, 0.5F, seed + 5);
        linear_.bias = arrays.upload(bias_);
        if (rank > 0) {
            addFactors(arrays, rank, seed + 6);
        }
    }

    const StepLinear& onGpu() const { return linear_; }
    int rows() const { return linear_.rows; }

    /// y of an input as the linear wants it, rotated or plain.
    Floats apply(const Floats& x) const {
        Floats y(static_cast<size_t>(rows()));
        const size_t columns = x.size();
        for (size_t row = 0; row < y.size(); ++row) {
            double sum = 0;
            for (size_t c = 0; c < columns; ++c) {
                sum += static_cast<double>(weights_[row * columns + c]) * x[c];
            }
            y[row] = static_cast<float>(sum);
        }
        if (!sign_.empty()) {
            blockHadamard(y.data(), 1, rows(), hadamardBlock(rows()));
        }
        for (size_t row = 0; row < y.size(); ++row) {
            y[row] = y[row] * (sign_.empty() ? 1 : sign_[row]) + bias_[row];
        }
        return y;
    }

private:
    Floats weightsOf(Arrays& arrays, const TrellisCode& code, int rows, int columns,
                     uint32_t seed) {
        const int64_t size = static_cast<int64_t>(rows) * columns;
        if (kind_ == Kind::Float16) {
            linear_.storage = StepStorage::Float16;
            Floats weights = roundedToHalf(randomNormal(size, 0.1F, seed));
            linear_.codes = reinterpret_cast<const uint8_t*>(arrays.upload(toHalf(weights)));
            return weights;
        }
        if (kind_ == Kind::Bfloat16) {
            linear_.storage = StepStorage::Bfloat16;
            const auto bits = toBfloat16(randomNormal(size, 0.1F, seed));
            linear_.codes = reinterpret_cast<const uint8_t*>(arrays.upload(bits));
            return fromBfloat16(bits);
        }
        return trellisWeights(arrays, code, rows, columns, seed);
    }

    Floats trellisWeights(Arrays& arrays, const TrellisCode& code, int rows, int columns,
                          uint32_t seed) {
        const int64_t groups = (rows + kTrellisRows - 1) / kTrellisRows;
        const int64_t blocks = columns / code.columns;
        const auto codes = randomBytes(groups * blocks * code.groupBytes(), seed);
        Floats scale = randomNormal(groups, 0.1F, seed + 1);
        scale.front() = 0; // a group of zeros
        Floats weights(static_cast<size_t>(groups * kTrellisRows * columns));
        for (int64_t group = 0; group < groups; ++group) {
            float* to = weights.data() + group * kTrellisRows * columns;
            trellisDecodeRows(code, codes.data() + group * blocks * code.groupBytes(), blocks, to);
            for (int64_t i = 0; i < kTrellisRows * columns; ++i) {
                to[i] *= scale[static_cast<size_t>(group)];
            }
        }
        for (float& each : scale) {
            each *= code.step;
        }
        linear_.code = &code;
        linear_.codes = arrays.upload(codes);
        linear_.scale = arrays.upload(scale);
        weights.resize(static_cast<size_t>(rows) * static_cast<size_t>(columns));
        return weights;
    }

    /// L and R in 4 bits, and, where weights are fp16, in fp16.
    void addFactors(Arrays& arrays, int rank, uint32_t seed) {
        const int columns = linear_.columns;
        const auto left = randomBytes(static_cast<int64_t>(rows()) * ((rank + 1) / 2), seed);
        const auto right = randomBytes(static_cast<int64_t>(rank) * ((columns + 1) / 2), seed + 1);
        const Floats scale = randomNormal(rank, 0.05F, seed + 2);
        const Floats l = levels({left.data(), rows(), rank});
        const Floats r = levels({right.data(), rank, columns});
        linear_.rank = rank;
        linear_.factorScale = arrays.upload(scale);
        linear_.left.codes = arrays.upload(left);
        linear_.right.codes = arrays.upload(right);
        if (kind_ == Kind::Float16) {
            linear_.left = {StepStorage::Float16,
                            reinterpret_cast<const uint8_t*>(arrays.upload(toHalf(l)))};
            linear_.right = {StepStorage::Float16,
                             reinterpret_cast<const uint8_t*>(arrays.upload(toHalf(r)))};
        }
        for (int64_t row = 0; row < rows(); ++row) {
            for (int k = 0; k < rank; ++k) {
                const float factor =
                    l[static_cast<size_t>(row * rank + k)] * scale[static_cast<size_t>(k)];
                for (int c = 0; c < columns; ++c) {
                    weights_[static_cast<size_t>(row * columns + c)] +=
                        factor * r[static_cast<size_t>(k * columns + c)];
                }
            }
        }
    }

    static Floats levels(const LloydMatrix& matrix) {
        Floats values(static_cast<size_t>(matrix.rows * matrix.columns));
        for (int64_t row = 0; row < matrix.rows; ++row) {
            reference::lloydDecodeRow(matrix, row, values.data() + row * matrix.columns);
        }
        return values;
    }

    Kind kind_;
    StepLinear linear_;
    Floats weights_; ///< L R in them
    Floats sign_;
    Floats bias_;
};

/// An input on its way to products.
struct TestInput {
    int size;
    Floats norm; ///< or empty
    Floats sign; ///< or empty: not rotated

    StepInput upload(Arrays& arrays) const {
        StepInput way;
        way.size = size;
        way.norm = norm.empty() ? nullptr : arrays.upload(norm);
        if (!sign.empty()) {
            way.sign = arrays.upload(toHalf(sign));
            way.block = static_cast<int>(hadamardBlock(size));
        }
        return way;
    }
    Floats apply(Floats x) const {
        double squares = 0;
        for (const float each : x) {
            squares += static_cast<double>(each) * each;
        }
        const double rms = norm.empty() ? 1 : std::sqrt(squares / size + kEpsilon);
        for (size_t i = 0; i < x.size(); ++i) {
            x[i] = static_cast<float>(x[i] / rms * (norm.empty() ? 1 : norm[i]) *
                                      (sign.empty() ? 1 : sign[i]));
        }
        if (!sign.empty()) {
            blockHadamard(x.data(), 1, size, hadamardBlock(size));
        }
        return x;
    }
};

class CudaPrompt : public testing::Test {
protected:
    void SetUp() override {
        const CudaDevice device = cudaDevice();
        if (!device.available) {
            GTEST_SKIP() << "needs a GPU: " << device.reason;
        }
        products_ = std::make_unique<MatrixProducts>(nullptr);
    }

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

    Arrays arrays_;
    std::unique_ptr<MatrixProducts> products_; ///< only with a GPU
};

class CudaPromptProducts : public CudaPrompt, public testing::WithParamInterface<TrellisCode> {};

} // namespace

TEST_P(CudaPromptProducts, AgreeWithTheReference) {
    const TrellisCode& code = *trellisCode(GetParam().id);
    struct Case {
        int rows, columns, rank, tokens;
    };
    // Rows that are no whole group or block, columns that are no whole block, more rows than a
    // slice has, and more columns than leave room for a slice of so many.
    for (const Case& each :
         {Case{16, 4, 0, 1}, Case{7, 128, 16, 2}, Case{576, 232, 0, 5}, Case{1000, 1536, 64, 3},
          Case{2320, 64, 32, 4}, Case{1800, 29568, 0, 1}, Case{48, 29568, 64, 4},
          Case{256, 640, 16, 130}}) {
        const TestLinear linear(arrays_, Kind::Trellis, code, each.rows, each.columns, each.rank,
                                63);
        const TestInput input{each.columns, randomNormal(each.columns, 1, 64),
                              randomSigns(each.columns, 65)};
        expectProduct(linear, each.columns, each.tokens, input,
                      std::to_string(each.rows) + " x " + std::to_string(each.columns));
    }
}

INSTANTIATE_TEST_SUITE_P(Codes, CudaPromptProducts,
                         testing::ValuesIn(trellisCodes().begin(), trellisCodes().end()),
                         [](const auto& code) { return std::string(code.param.id).substr(8); });

TEST_F(CudaPrompt, WeightsOfSixteenBitsAreMultipliedAsTheyAre) {
    const TrellisCode& none = trellisCodes().front();
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

TEST_F(CudaPrompt, GivesTheSameBitsAgain) {
    const TestLinear linear(arrays_, Kind::Trellis, *trellisCode("trellis-v4k8m4"), 640, 4096, 64,
                            71);
    const TestInput input{4096, {}, randomSigns(4096, 72)};
    const PromptVectors x = prepare(inputsOf(70, 4096), input, 70);
    const Floats first = run(linear, x, 70).first;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(run(linear, x, 70).first, first);
    }
}

TEST_F(CudaPrompt, RefusesARankBeyondItsRoom) {
    const TestLinear small(arrays_, Kind::Trellis, trellisCodes().front(), 64, 64, 16, 1);
    const TestLinear large(arrays_, Kind::Trellis, trellisCodes().front(), 64, 64, 32, 1);
    LinearProducts products = productsFor({&small}, 1);
    const PromptVectors x = prepare(inputsOf(1, 64), {64, {}, {}}, 1);
    EXPECT_THROW(products.reduce(large.onGpu(), x, 1, 0), KernelError);
}

TEST_F(CudaPrompt, GatesAreSwiGluWithOneScaleForAllSlices) {
    const int size = 128;
    const int inner = 2 * kPromptSliceRows + 640;
    const int tokens = 5;
    const TrellisCode& code = *trellisCode("trellis-v4k8m4");
    const TestLinear gate(arrays_, Kind::Trellis, code, inner, size, 16, 11);
    const TestLinear up(arrays_, Kind::Bfloat16, code, inner, size, 0, 12);
    const TestLinear down(arrays_, Kind::Trellis, code, 96, inner, 16, 13);
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

TEST_F(CudaPrompt, TablesOfEveryStorageBeginAndEndIt) {
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

TEST_F(CudaPrompt, TheLastNormIsTheReference) {
    const Floats norm = randomNormal(1000, 1, 1);
    const Floats x = randomNormal(1000, 30, 2);
    float* normed = arrays_.take<float>(1000);
    promptNorm(arrays_.upload(x), arrays_.upload(norm), 1000, kEpsilon, normed, nullptr);
    expectNear(download(normed, 1000), TestInput{1000, norm, {}}.apply(x), 1e-5F, "norm");
}

namespace {

/// A prompt in chunks; `atOnce` queries of a key head at a time.
struct AttentionCase {
    int heads, kvHeads, headSize, cacheBits, atOnce;
    std::vector<int> chunks;
};

Floats turned(Floats head, const Floats& cosines, const Floats& sines, int64_t position) {
    const auto half = static_cast<int64_t>(head.size() / 2);
    for (int64_t i = 0; i < half; ++i) {
        const float a = head[static_cast<size_t>(i)];
        const float b = head[static_cast<size_t>(i + half)];
        const float cosine = cosines[static_cast<size_t>(position * half + i)];
        const float sine = sines[static_cast<size_t>(position * half + i)];
        head[static_cast<size_t>(i)] = a * cosine - b * sine;
        head[static_cast<size_t>(i + half)] = b * cosine + a * sine;
    }
    return head;
}

} // namespace

class CudaPromptAttention : public CudaPrompt, public testing::WithParamInterface<AttentionCase> {
protected:
    void SetUp() override {
        CudaPrompt::SetUp();
        if (IsSkipped()) {
            return;
        }
        const AttentionCase& shape = GetParam();
        for (const int chunk : shape.chunks) {
            tokens_ += chunk;
        }
        const int64_t tokens = tokens_;
        queries_ = randomNormal(tokens * shape.heads * shape.headSize, 1, 1);
        keys_ = randomNormal(tokens * shape.kvHeads * shape.headSize, 1, 2);
        values_ = randomNormal(tokens * shape.kvHeads * shape.headSize, 1, 3);
        for (int position = 0; position < tokens_; ++position) {
            for (int i = 0; i < shape.headSize / 2; ++i) {
                const double angle = position * std::pow(10000.0, -2.0 * i / shape.headSize);
                cosines_.push_back(static_cast<float>(std::cos(angle)));
                sines_.push_back(static_cast<float>(std::sin(angle)));
            }
        }
        makePhase(shape);
    }

    /// Pages of two slots, shuffled together; the prompt has the second.
    void makePhase(const AttentionCase& shape) {
        const int width = tokens_ / kPageTokens + 1;
        std::vector<int32_t> pages;
        for (int slot = 0; slot < 2; ++slot) {
            for (int page = 0; page < width; ++page) {
                pages.push_back((width - 1 - page) * 2 + slot);
            }
        }
        const size_t vectors = pages.size() * kPageTokens * static_cast<size_t>(shape.kvHeads);
        const size_t bytes = vectors * static_cast<size_t>(shape.headSize * shape.cacheBits / 8);
        phase_.heads = shape.heads;
        phase_.kvHeads = shape.kvHeads;
        phase_.headSize = shape.headSize;
        phase_.tableWidth = width;
        phase_.pages = arrays_.upload(pages);
        phase_.cosines = arrays_.upload(cosines_);
        phase_.sines = arrays_.upload(sines_);
        phase_.cache.bits = shape.cacheBits;
        phase_.cache.keys = arrays_.take<uint8_t>(bytes);
        phase_.cache.values = arrays_.take<uint8_t>(bytes);
        phase_.cache.keyScale = arrays_.take<float>(vectors);
        phase_.cache.valueScale = arrays_.take<float>(vectors);
    }

    Floats chunkOf(const Floats& all, const PromptChunk& chunk, int size) const {
        return {all.begin() + static_cast<int64_t>(chunk.first) * size,
                all.begin() + static_cast<int64_t>(chunk.first + chunk.tokens) * size};
    }

    Floats attend(const PromptAttention& attention, const PromptChunk& chunk) {
        const int size = phase_.heads * phase_.headSize;
        const int keySize = phase_.kvHeads * phase_.headSize;
        float* queries = arrays_.upload(chunkOf(queries_, chunk, size));
        phase_.queries = queries;
        phase_.keys = arrays_.upload(chunkOf(keys_, chunk, keySize));
        phase_.values = arrays_.upload(chunkOf(values_, chunk, keySize));
        attention.run(phase_, chunk, queries);
        return download(queries, static_cast<size_t>(chunk.tokens) * static_cast<size_t>(size));
    }

    Floats headOf(const Floats& all, int heads, int position, int head) const {
        return rowOf(all, static_cast<int64_t>(position) * heads + head, phase_.headSize);
    }

    Floats expectedOf(int position, int head) const {
        const int kvHead = head / (phase_.heads / phase_.kvHeads);
        const Floats query =
            turned(headOf(queries_, phase_.heads, position, head), cosines_, sines_, position);
        std::vector<double> sum(query.size());
        double weight = 0;
        for (int seen = 0; seen <= position; ++seen) {
            const Floats key =
                turned(headOf(keys_, phase_.kvHeads, seen, kvHead), cosines_, sines_, seen);
            const Floats value = headOf(values_, phase_.kvHeads, seen, kvHead);
            double score = 0;
            for (size_t i = 0; i < key.size(); ++i) {
                score += static_cast<double>(query[i]) * key[i];
            }
            const double own = std::exp(score / std::sqrt(phase_.headSize));
            weight += own;
            for (size_t i = 0; i < value.size(); ++i) {
                sum[i] += own * value[i];
            }
        }
        Floats expected;
        for (const double each : sum) {
            expected.push_back(static_cast<float>(each / weight));
        }
        return expected;
    }

    int tokens_ = 0;
    Floats queries_, keys_, values_, cosines_, sines_;
    AttendPhase phase_;
};

TEST_P(CudaPromptAttention, SeesWhatCameBefore) {
    const AttentionCase& shape = GetParam();
    const int most = *std::max_element(shape.chunks.begin(), shape.chunks.end());
    const PromptHeads heads{shape.heads, shape.kvHeads, shape.headSize};
    const int64_t whole = promptAttentionBytes(heads, most, tokens_);
    const int64_t padded = (tokens_ + kPageTokens - 1) / kPageTokens * kPageTokens;
    const int64_t bytes =
        whole - std::max(most - shape.atOnce, 0) * 4 * padded * (shape.heads / shape.kvHeads);
    const PromptAttention attention(*products_, nullptr,
                                    arrays_.take<uint8_t>(static_cast<size_t>(bytes)), bytes);
    PromptChunk chunk{0, 0, 1};
    for (const int tokens : shape.chunks) {
        chunk.tokens = tokens;
        const Floats output = attend(attention, chunk);
        for (int token = 0; token < tokens; ++token) {
            for (int head = 0; head < shape.heads; ++head) {
                expectNear(headOf(output, shape.heads, token, head),
                           expectedOf(chunk.first + token, head),
                           shape.cacheBits == 16 ? 4e-3F : 4e-2F,
                           "token " + std::to_string(chunk.first + token) + ", head " +
                               std::to_string(head));
            }
        }
        chunk.first += tokens;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaPromptAttention,
                         testing::Values(AttentionCase{3, 1, 64, 16, 7, {5, 1, 20}},
                                         AttentionCase{9, 3, 64, 16, 100, {64, 64, 3}},
                                         AttentionCase{8, 1, 128, 16, 33, {130, 70}},
                                         AttentionCase{4, 4, 96, 16, 1, {3, 65}},
                                         AttentionCase{2, 1, 256, 16, 9, {10, 10}},
                                         AttentionCase{14, 2, 64, 8, 50, {140, 1}},
                                         AttentionCase{8, 1, 128, 8, 300, {300, 20}}),
                         [](const auto& given) {
                             const AttentionCase& each = given.param;
                             return "h" + std::to_string(each.heads) + "kv" +
                                    std::to_string(each.kvHeads) + "d" +
                                    std::to_string(each.headSize) + "b" +
                                    std::to_string(each.cacheBits) + "t" +
                                    std::to_string(each.chunks.front());
                         });
