// What a Tokenizer consists of.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/model/added_tokens.h"
#include "core/model/byte_pair_encoding.h"
#include "core/model/pre_tokenizer.h"
#include "core/model/tokenizer.h"

namespace caldera {

struct Tokenizer::Data {
    bool normalizesToNfc = false;
    bool ignoresMerges = false; ///< a piece that is a token is taken whole
    std::vector<std::unique_ptr<const PreTokenizer>> preTokenizers;
    BytePairEncoding merges;
    std::unordered_map<std::string, Token> vocabulary; ///< as written in files ("Ġthe")
    std::vector<std::string> bytes;                    ///< by token: what it decodes to
    std::vector<bool> special;                         ///< by token
    AddedTokenFinder rawTokens;                        ///< looked for before normalization
    AddedTokenFinder normalizedTokens;                 ///< and after
    std::vector<Token> prefix;                         ///< put before a whole text
    std::string json;
};

/// Canonical composition (NFC) of valid UTF-8.
std::string composed(std::string_view text);

} // namespace caldera
