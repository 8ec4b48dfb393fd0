#include "core/runtime/cuda/device_sampler.h"

#include <algorithm>

namespace caldera {

namespace {

using kernels::cuda::require;

constexpr const char* kDoing = "Choosing tokens";

size_t product(int a, int b) {
    return static_cast<size_t>(a) * static_cast<size_t>(b);
}

} // namespace

DeviceSampler::DeviceSampler(int rows, int vocabulary, int mostSeen)
    : rows_(static_cast<size_t>(rows)), stream_(kernels::cuda::makeCudaStream(kDoing)),
      pinnedRows_(kernels::cuda::makePinnedValues<kernels::cuda::SampleRow>(rows_, kDoing)),
      pinnedSeen_(kernels::cuda::makePinnedValues<Token>(product(rows, mostSeen), kDoing)),
      pinnedTokens_(kernels::cuda::makePinnedValues<Token>(rows_, kDoing)), deviceRows_(rows_),
      seen_(product(rows, mostSeen)), weights_(product(rows, vocabulary)),
      candidates_(product(rows, vocabulary)), tokens_(rows_) {}

std::span<const Token> DeviceSampler::choose(std::span<const TokenChoice> choices, float* logits,
                                             int64_t stride, int vocabulary) {
    chosen_.clear();
    while (!choices.empty()) {
        const auto part = choices.first(std::min(choices.size(), rows_));
        chooseSome(part, logits + static_cast<int64_t>(chosen_.size()) * stride, stride,
                   vocabulary);
        chosen_.insert(chosen_.end(), pinnedTokens_.get(), pinnedTokens_.get() + part.size());
        choices = choices.subspan(part.size());
    }
    return chosen_;
}

void DeviceSampler::chooseSome(std::span<const TokenChoice> choices, float* logits, int64_t stride,
                               int vocabulary) {
    int32_t seenCount = 0;
    for (size_t i = 0; i < choices.size(); ++i) {
        const std::span<const Token> seen = choices[i].seen;
        pinnedRows_[i] = {choices[i].how, seenCount, static_cast<int32_t>(seen.size())};
        std::copy(seen.begin(), seen.end(), pinnedSeen_.get() + seenCount);
        seenCount += static_cast<int32_t>(seen.size());
    }
    require(cudaMemcpyAsync(deviceRows_.data(), pinnedRows_.get(),
                            choices.size() * sizeof(kernels::cuda::SampleRow),
                            cudaMemcpyHostToDevice, stream_.get()),
            kDoing);
    if (seenCount > 0) {
        require(cudaMemcpyAsync(seen_.data(), pinnedSeen_.get(),
                                static_cast<size_t>(seenCount) * sizeof(Token),
                                cudaMemcpyHostToDevice, stream_.get()),
                kDoing);
    }
    kernels::cuda::SampleRows rows;
    rows.count = static_cast<int32_t>(choices.size());
    rows.vocabulary = vocabulary;
    rows.stride = stride;
    rows.logits = logits;
    rows.rows = deviceRows_.data();
    rows.seen = seen_.data();
    rows.weights = weights_.data();
    rows.candidates = candidates_.data();
    rows.tokens = tokens_.data();
    kernels::cuda::sampleTokens(rows, stream_.get());
    require(cudaMemcpyAsync(pinnedTokens_.get(), tokens_.data(), choices.size() * sizeof(Token),
                            cudaMemcpyDeviceToHost, stream_.get()),
            kDoing);
    require(cudaStreamSynchronize(stream_.get()), kDoing);
}

} // namespace caldera
