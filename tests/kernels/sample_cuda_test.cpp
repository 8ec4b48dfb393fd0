// The GPU's choice of tokens against the processor's.
#include "kernels/sample/sample_cuda.h"

#include <gtest/gtest.h>

#include "tests/kernels/gpu_test.h"
#include "tests/kernels/gpu_values.h"
#include "tests/kernels/sample_cases.h"

using namespace caldera::kernels;

namespace {

class CudaSample : public GpuTest {};

/// The GPU's tokens for cases of one vocabulary, several rows a launch; rows are `padding` apart.
std::vector<int32_t> tokensOf(const std::vector<SampleCase>& cases, int padding) {
    Arrays arrays;
    const size_t vocabulary = cases.front().logits.size();
    const size_t stride = vocabulary + static_cast<size_t>(padding);
    std::vector<float> logits;
    std::vector<cuda::SampleRow> rows;
    std::vector<int32_t> seen;
    for (const SampleCase& each : cases) {
        logits.insert(logits.end(), each.logits.begin(), each.logits.end());
        logits.resize(rows.size() * stride + stride, 1e30F); // beyond the vocabulary
        rows.push_back({each.choice, static_cast<int32_t>(seen.size()),
                        static_cast<int32_t>(each.seen.size())});
        seen.insert(seen.end(), each.seen.begin(), each.seen.end());
    }
    cuda::SampleRows all;
    all.count = static_cast<int32_t>(rows.size());
    all.vocabulary = static_cast<int32_t>(vocabulary);
    all.stride = static_cast<int64_t>(stride);
    all.logits = arrays.upload(logits);
    all.rows = arrays.upload(rows);
    all.seen = arrays.upload(seen);
    all.weights = arrays.take<int32_t>(rows.size() * vocabulary);
    all.candidates = arrays.take<uint64_t>(rows.size() * vocabulary);
    all.tokens = arrays.take<int32_t>(rows.size());
    cuda::sampleTokens(all, nullptr);
    return download(all.tokens, rows.size());
}

void expectTheProcessorsTokens(int vocabulary, int padding) {
    const std::vector<SampleCase> cases = sampleCases(vocabulary);
    constexpr size_t kRows = 16;
    SampleWorkspace workspace;
    for (size_t first = 0; first < cases.size(); first += kRows) {
        const auto from = cases.begin() + static_cast<std::ptrdiff_t>(first);
        const std::vector<SampleCase> part(
            from, from + static_cast<std::ptrdiff_t>(std::min(kRows, cases.size() - first)));
        const std::vector<int32_t> tokens = tokensOf(part, padding);
        for (size_t i = 0; i < part.size(); ++i) {
            std::vector<float> logits = part[i].logits;
            ASSERT_EQ(tokens[i], sampleToken(part[i].choice, part[i].seen, logits, workspace))
                << "vocabulary " << vocabulary << ", " << part[i].name;
        }
    }
}

} // namespace

TEST_F(CudaSample, ChoosesTheProcessorsTokens) {
    for (const int vocabulary : {1, 2, 31, 33, 1023, 1025, 5003}) {
        expectTheProcessorsTokens(vocabulary, 0);
    }
}

TEST_F(CudaSample, ChoosesTheProcessorsTokensFromVocabulariesOfModels) {
    expectTheProcessorsTokens(49152, 0);
    expectTheProcessorsTokens(151646, 418);
    expectTheProcessorsTokens(152064, 0);
}

TEST_F(CudaSample, HasNoTokenWithoutAFiniteLargest) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    std::vector<SampleCase> cases;
    for (const float sharpness : {0.0F, 1.0F}) {
        SampleChoice choice;
        choice.sharpness = sharpness;
        cases.push_back({"", {nan, nan}, choice, {}});
        cases.push_back({"", {-infinity, nan}, choice, {}});
        cases.push_back({"", {infinity, 1}, choice, {}});
        cases.push_back({"", {nan, 1}, choice, {}});
    }
    const std::vector<int32_t> tokens = tokensOf(cases, 3);
    for (size_t i = 0; i < tokens.size(); ++i) {
        EXPECT_EQ(tokens[i], i % 4 == 3 ? 1 : kNoToken) << i;
    }
}
