// Linears and their inputs for the tests of prompts, and what they do on the processor.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "kernels/e8p/e8p.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/prompt/linear_products.h"
#include "tests/kernels/gpu_values.h"
#include "tests/kernels/prompt_fixture.h"
#include "tests/kernels/random_values.h"

namespace prompt_test {

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

inline constexpr float kEpsilon = 1e-6F;

inline std::vector<uint16_t> toBfloat16(const Floats& values) {
    std::vector<uint16_t> bits(values.size());
    std::transform(values.begin(), values.end(), bits.begin(), [](float value) {
        return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    });
    return bits;
}

inline Floats fromBfloat16(const std::vector<uint16_t>& bits) {
    Floats values(bits.size());
    std::transform(bits.begin(), bits.end(), values.begin(), [](uint16_t each) {
        return std::bit_cast<float>(static_cast<uint32_t>(each) << 16);
    });
    return values;
}

/// How the numbers of a linear of the tests are stored.
enum class Kind { Coded, Float16, Bfloat16 };

/// A linear and what it does on the processor.
class TestLinear {
public:
    TestLinear(Arrays& arrays, Kind kind, const StepCode& code, int rows, int columns, int rank,
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
    Floats weightsOf(Arrays& arrays, const StepCode& code, int rows, int columns, uint32_t seed) {
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
        return codedWeights(arrays, code, rows, columns, seed);
    }

    Floats codedWeights(Arrays& arrays, const StepCode& code, int rows, int columns,
                        uint32_t seed) {
        const int64_t groups = (rows + kTrellisRows - 1) / kTrellisRows;
        const int64_t blocks = columns / code.columns;
        const auto codes = randomBytes(groups * blocks * code.groupBytes, seed);
        Floats scale = randomNormal(groups, 0.1F, seed + 1);
        scale.front() = 0; // a group of zeros
        Floats weights(static_cast<size_t>(groups * kTrellisRows * columns));
        for (int64_t group = 0; group < groups; ++group) {
            float* to = weights.data() + group * kTrellisRows * columns;
            const uint8_t* from = codes.data() + group * blocks * code.groupBytes;
            if (code.trellis != nullptr) {
                trellisDecodeRows(*code.trellis, from, blocks, to);
            } else {
                e8pDecodeGroup(reinterpret_cast<const uint16_t*>(from), blocks, to);
            }
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

} // namespace prompt_test
