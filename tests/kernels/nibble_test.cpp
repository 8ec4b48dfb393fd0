#include "kernels/nibble/nibble.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/half.h"
#include "tests/kernels/random_values.h"

namespace caldera::kernels {
namespace {

constexpr uint32_t kSeed = 11;

struct RandomNibbles {
    RandomNibbles(int64_t rows, int64_t columns, std::mt19937& random) {
        view.rows = rows;
        view.columns = columns;
        const int64_t blocks = rows * view.blocks();
        for (int64_t i = 0; i < blocks * kNibbleBlockBytes; ++i) {
            codes.push_back(static_cast<uint8_t>(random()));
        }
        std::normal_distribution<float> normal(0.0F, 0.1F);
        for (int64_t i = 0; i < blocks; ++i) {
            scale.push_back(floatToFp16(i % 7 == 3 ? 3e-6F : normal(random))); // some subnormal
        }
        view.codes = codes.data();
        view.scale = scale.data();
    }
    std::vector<uint8_t> codes;
    std::vector<uint16_t> scale;
    NibbleRows view;
};

TEST(NibbleMultiply, EqualsTheReferenceForAwkwardSizes) {
    std::mt19937 random(kSeed);
    for (const int64_t rows : {1, 5, 16}) {
        for (const int64_t columns : {1, 2, 63, 64, 65, 200, 576}) {
            for (const int64_t count : {1, 3, 4, 6}) {
                for (const int bits : {8, 16}) {
                    SCOPED_TRACE(testing::Message()
                                 << rows << " x " << columns << " x " << count << ", " << bits);
                    const RandomNibbles w(rows, columns, random);
                    const QuantizedInputs x = randomIntegers(count, columns, bits, 12);
                    std::vector<float> got(static_cast<size_t>(count * (rows + 1)), -1.0F);
                    std::vector<float> expected = got;
                    multiply(w.view, x.view(), {got.data(), rows + 1});
                    reference::multiply(w.view, x.view(), {expected.data(), rows + 1});
                    for (size_t i = 0; i < got.size(); ++i) {
                        ASSERT_NEAR(got[i], expected[i], 1e-4F) << i;
                    }
                }
            }
        }
    }
}

TEST(NibbleMultiply, DoesNotDependOnTheSplitOfRowsAndVectors) {
    std::mt19937 random(kSeed);
    const RandomNibbles w(12, 130, random);
    const QuantizedInputs x = randomIntegers(5, 130, 16, 13);
    std::vector<float> whole(5 * 12);
    multiply(w.view, x.view(), {whole.data(), 12});
    std::vector<float> parts(5 * 12);
    for (int64_t t = 0; t < 5; ++t) {
        for (int64_t row = 0; row < 12; row += 6) {
            NibbleRows part = w.view;
            part.codes += row * part.blocks() * kNibbleBlockBytes;
            part.scale += row * part.blocks();
            part.rows = 6;
            QuantizedBatch one = x.view().from(t);
            one.count = 1;
            multiply(part, one, {parts.data() + t * 12 + row, 12});
        }
    }
    EXPECT_EQ(whole, parts);
}

} // namespace
} // namespace caldera::kernels
