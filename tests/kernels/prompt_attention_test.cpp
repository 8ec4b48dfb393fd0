// Attention of prompts on a GPU against the processor's.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/prompt/attention.h"
#include "tests/kernels/prompt_fixture.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

namespace {

/// A prompt in chunks; `atOnce` queries of a key head at a time.
struct AttentionCase {
    int heads, kvHeads, headSize, cacheBits, atOnce;
    std::vector<int> chunks;
};

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
