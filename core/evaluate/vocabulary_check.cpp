#include "core/evaluate/vocabulary_check.h"

#include <string>

#include "core/base/error.h"

namespace caldera {

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

} // namespace caldera
