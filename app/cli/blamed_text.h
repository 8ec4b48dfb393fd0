// The text whose token `caldera blame` explains: a file, or an answer in a conversation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/model/chat_template.h"
#include "core/model/tokenizer.h"
#include "core/report/kept_reports.h"
#include "core/serve/chat_request.h"

namespace caldera::cli {

struct BlamedTextOptions {
    std::filesystem::path text;     ///< UTF-8; empty: the demo model's held-out text
    std::filesystem::path request;  ///< as POST /caldera/v1/scores takes it; empty: `text` counts
    int64_t tokens = kBlamedTokens; ///< of `text`, from its beginning
    std::optional<int64_t> token;   ///< from 1; with a request, of the answer
    std::optional<int64_t> byte;    ///< of the answer, from 0: the token that it belongs to
};

struct BlamedText {
    std::vector<Token> tokens;
    std::optional<int64_t> place; ///< nothing: to be chosen among those from `firstPlace` on
    int64_t firstPlace = 1;
    int64_t origin = 0; ///< index of what people count as token 1
};

/// What a file says before any model is asked.
struct BlamedSource {
    std::string text;
    std::optional<ScoreRequest> request; ///< in place of `text`
};

/// Throws Error("file.*"), Error("text.not-utf8"), RequestError.
BlamedSource readBlamedSource(const BlamedTextOptions& options);

/// Throws RequestError for a request that the tokenizer has no tokens for, and Error("blame.place")
/// for a token or byte that the answer does not have.
BlamedText blamedText(const BlamedTextOptions& options, const BlamedSource& source,
                      const Tokenizer& tokenizer, const ChatTemplate& chat);

/// What stands before the token: the end of it, in one line.
std::string textBefore(const Tokenizer& tokenizer, const std::vector<Token>& tokens, int64_t place);

} // namespace caldera::cli
