#include "core/forward/token_rows.h"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/error.h"

namespace caldera {

torch::Tensor embedRows(const torch::Tensor& tokens, const ModelConfig& config,
                        const RowReader& read) {
    const torch::Tensor ids = tokens.to(at::kCPU).contiguous();
    const std::span<const int64_t> all(ids.data_ptr<int64_t>(), static_cast<size_t>(ids.numel()));
    std::vector<int64_t> distinct(all.begin(), all.end());
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    if (!distinct.empty() && (distinct.front() < 0 || distinct.back() >= config.vocabSize)) {
        const int64_t bad = distinct.front() < 0 ? distinct.front() : distinct.back();
        throw Error("forward.token",
                    "Token " + std::to_string(bad) + " is outside the model's embedding of " +
                        std::to_string(config.vocabSize) +
                        " rows: the tokenizer and the model do not belong together.",
                    {{"token", std::to_string(bad)}});
    }

    const int64_t size = config.hiddenSize;
    torch::Tensor rows = at::empty({static_cast<int64_t>(distinct.size()), size}, at::kFloat);
    float* data = rows.data_ptr<float>();
    at::parallel_for(0, rows.size(0), 16, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            read(distinct[static_cast<size_t>(row)],
                 {data + row * size, static_cast<size_t>(size)});
        }
    });

    torch::Tensor place = at::empty({ids.numel()}, at::kLong);
    std::transform(all.begin(), all.end(), place.data_ptr<int64_t>(), [&](int64_t token) {
        return std::lower_bound(distinct.begin(), distinct.end(), token) - distinct.begin();
    });
    return rows.index_select(0, place).view({ids.size(0), ids.size(1), size});
}

} // namespace caldera
