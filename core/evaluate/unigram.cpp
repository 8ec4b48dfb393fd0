// The simplest language model there is, to compare with.
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/evaluate/evaluate.h"

namespace caldera {

double unigramPerplexity(const Tokenizer& tokenizer, const std::string& train,
                         const std::string& heldOut) {
    const std::vector<Token> fitted = tokenizer.encode(train);
    const std::vector<Token> scored = tokenizer.encode(heldOut);
    if (scored.size() < 2) {
        throw Error("evaluate.too-short",
                    "The text to evaluate holds " + std::to_string(scored.size()) +
                        " tokens; at least 2 were needed. Choose a longer text.",
                    {{"tokens", std::to_string(scored.size())}});
    }
    std::vector<double> count(static_cast<size_t>(tokenizer.size()), 1.0); // add one
    for (const Token token : fitted) {
        count[static_cast<size_t>(token)] += 1.0;
    }
    const double total = static_cast<double>(fitted.size()) + static_cast<double>(count.size());
    double loss = 0;
    for (const Token token : scored) {
        loss -= std::log(count[static_cast<size_t>(token)] / total);
    }
    return std::exp(loss / static_cast<double>(scored.size()));
}

} // namespace caldera
