// Tokens and their log-probabilities as OpenAI's documents write them.
#pragma once

#include <nlohmann/json.hpp>

#include "core/runtime/engine.h"

namespace caldera {

/// {"token", "bytes", "logprob", "top_logprobs": [{"token", "bytes", "logprob"}]}; "token" has
/// U+FFFD for what is no whole character, "bytes" are exact. Tokens also have our "id".
nlohmann::json chanceDocument(const Tokenizer& tokenizer, const GeneratedToken& token);

} // namespace caldera
