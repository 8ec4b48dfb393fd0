// Two models can be compared token by token only where they have the same tokens.
#pragma once

#include "core/model/tokenizer.h"

namespace caldera {

/// Of vocabularies by their size. Throws Error("evaluate.vocabulary") where they differ.
void requireSameVocabulary(int subject, int reference);
/// Of the tokens that both have, special ones aside: a family's members name those otherwise, and
/// conversions fill up what is unused. Throws the same error.
void requireSameTokens(const Tokenizer& subject, const Tokenizer& reference);

} // namespace caldera
