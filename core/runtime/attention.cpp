#include "core/runtime/attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/dense/dense.h"

namespace caldera {

namespace {

/// Tokens whose scores are computed together: each key is then read once for all of them.
constexpr int64_t kTokensPerPart = 16;

} // namespace

Attention::Attention(const ModelConfig& config, ThreadPool& pool)
    : headCount_(config.headCount), headSize_(config.headSize),
      sharing_(config.headCount / config.kvHeadCount), pool_(pool),
      scores_(static_cast<size_t>(pool.size())) {}

void Attention::apply(KvCache& cache, int layer, int first, int64_t tokens, const float* queries,
                      float* output) {
    const auto positions = static_cast<size_t>(first + tokens);
    const int64_t perPart = std::min(tokens, kTokensPerPart);
    for (std::vector<float>& scores : scores_) {
        scores.resize(std::max(scores.size(), positions * static_cast<size_t>(perPart)));
    }
    const int64_t parts = (tokens + kTokensPerPart - 1) / kTokensPerPart;
    pool_.run(parts * headCount_, [&](int64_t unit, int thread) {
        Part part{layer, first, unit / headCount_ * kTokensPerPart};
        part.tokens = std::min(kTokensPerPart, tokens - part.firstToken);
        part.head = static_cast<int>(unit % headCount_);
        part.queries = queries;
        part.output = output;
        applyHead(cache, part, scores_[static_cast<size_t>(thread)]);
    });
}

void Attention::applyHead(KvCache& cache, const Part& part, std::vector<float>& scores) const {
    const int64_t stride = static_cast<int64_t>(headCount_) * headSize_;
    const int64_t start = part.firstToken * stride + static_cast<int64_t>(part.head) * headSize_;
    const int64_t positions = part.first + part.firstToken + part.tokens;
    const int keyHead = part.head / sharing_;
    const kernels::RowBlock<float> keys{cache.keys(part.layer, keyHead), positions, headSize_,
                                        headSize_};
    kernels::multiply(keys, {part.queries + start, part.tokens, stride},
                      {scores.data(), positions});
    const float scale = 1.0F / std::sqrt(static_cast<float>(headSize_));
    for (int64_t t = 0; t < part.tokens; ++t) {
        float* row = scores.data() + t * positions;
        const int64_t visible = part.first + part.firstToken + t + 1;
        for (int64_t i = 0; i < visible; ++i) {
            row[i] *= scale;
        }
        const float sum = kernels::expAndSum(row, visible, *std::max_element(row, row + visible));
        float* out = part.output + start + t * stride;
        std::fill(out, out + headSize_, 0.0F);
        kernels::addWeightedRows({cache.values(part.layer, keyHead), visible, headSize_, headSize_},
                                 row, out);
        for (int i = 0; i < headSize_; ++i) {
            out[i] /= sum;
        }
    }
}

} // namespace caldera
