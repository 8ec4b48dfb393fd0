// Two models can be compared token by token only where they have the same tokens.
#pragma once

namespace caldera {

/// Of vocabularies by their size. Throws Error("evaluate.vocabulary") where they differ.
void requireSameVocabulary(int subject, int reference);

} // namespace caldera
