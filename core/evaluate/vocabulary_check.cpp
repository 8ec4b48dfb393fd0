#include "core/evaluate/vocabulary_check.h"

#include <algorithm>
#include <string>

#include "core/base/error.h"
#include "core/base/printable.h"

namespace caldera {

namespace {

constexpr size_t kShown = 40; // characters of a token

} // namespace

void requireSameVocabulary(int subject, int reference) {
    if (subject != reference) {
        throw Error(
            "evaluate.vocabulary",
            "The vocabularies differ: the evaluated model has " + std::to_string(subject) +
                " tokens, the reference " + std::to_string(reference) +
                ". Give the model that the artifact was made from as the reference.",
            {{"subject", std::to_string(subject)}, {"reference", std::to_string(reference)}});
    }
}

void requireSameTokens(const Tokenizer& subject, const Tokenizer& reference) {
    const int common = std::min(subject.size(), reference.size());
    for (Token token = 0; token < common; ++token) {
        const bool isText = !subject.isSpecial(token) && !reference.isSpecial(token);
        const std::string ours = subject.decode({&token, 1});
        const std::string theirs = reference.decode({&token, 1});
        if (isText && ours != theirs) {
            throw Error("evaluate.vocabulary",
                        "The vocabularies differ: token " + std::to_string(token) + " is \"" +
                            printable(ours, kShown) + "\" in the evaluated model and \"" +
                            printable(theirs, kShown) +
                            "\" in the reference. Give the model that the artifact was made from "
                            "as the reference.",
                        {{"token", std::to_string(token)}});
        }
    }
}

} // namespace caldera
