#include "core/evaluate/windows.h"

#include <algorithm>
#include <span>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace caldera {

namespace {

/// How many windows' hidden states fit in the request's bytes, at least one.
int64_t windowsTogether(const EvaluateRequest& request, int64_t length) {
    int64_t size = request.subject->config().hiddenSize;
    if (request.reference != nullptr) {
        size = std::max<int64_t>(size, request.reference->config().hiddenSize);
    }
    const int64_t windowBytes = length * size * static_cast<int64_t>(sizeof(float));
    return std::max<int64_t>(1, request.hiddenBytes / windowBytes);
}

} // namespace

std::vector<WindowGroup> evaluationWindows(const EvaluateRequest& request) {
    std::vector<Token> tokens = request.tokenizer->encode(request.text);
    if (request.maxTokens > 0 && static_cast<size_t>(request.maxTokens) < tokens.size()) {
        tokens.resize(static_cast<size_t>(request.maxTokens));
    }
    const auto count = static_cast<int64_t>(tokens.size());
    if (count < 2) {
        throw Error("evaluate.too-short",
                    "The text to evaluate holds " + std::to_string(count) +
                        " tokens; at least 2 were needed, and thousands are useful. Choose a "
                        "longer text.",
                    {{"tokens", std::to_string(count)}});
    }
    const int64_t length = std::min<int64_t>(request.contextLength, count);
    const int64_t rest = count % length;
    const int64_t windows = count / length + (rest >= 2 ? 1 : 0);
    const int64_t predicted = count / length * (length - 1) + (rest >= 2 ? rest - 1 : 0);
    tokens.resize(static_cast<size_t>(windows * length), 0);
    const torch::Tensor all = at::tensor(tokens, at::kLong).view({windows, length});

    const int64_t together = windowsTogether(request, length);
    std::vector<WindowGroup> groups;
    for (int64_t first = 0; first < windows; first += together) {
        const int64_t n = std::min(together, windows - first);
        groups.push_back({all.narrow(0, first, n),
                          std::min(n * (length - 1), predicted - first * (length - 1)), first});
    }
    return groups;
}

int64_t WindowGroup::predictedIn(int64_t window) const {
    return std::min(inputs(), predicted - window * inputs());
}

std::string textHash(const std::vector<WindowGroup>& groups) {
    Sha256 hash;
    for (const WindowGroup& group : groups) {
        const torch::Tensor tokens = group.tokens.contiguous();
        hash.update(std::as_bytes(
            std::span(tokens.data_ptr<int64_t>(), static_cast<size_t>(tokens.numel()))));
    }
    return hash.hex();
}

} // namespace caldera
