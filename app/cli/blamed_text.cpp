#include "app/cli/blamed_text.h"

#include <algorithm>
#include <span>
#include <string>

#include "app/cli/report_file.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/printable.h"
#include "core/model/text_file.h"
#include "core/serve/http_answer.h"
#include "core/serve/score_answer.h"

namespace caldera::cli {

namespace {

constexpr int64_t kContextTokens = 24;
constexpr size_t kContextBytes = 400;

/// The beginning of the text, up to the token that is explained if one is named.
BlamedText textOfFile(const BlamedTextOptions& options, const std::string& file,
                      const Tokenizer& tokenizer) {
    BlamedText text;
    text.tokens = tokenizer.encode(file);
    text.origin = static_cast<int64_t>(tokenizer.encode("").size()); // a begin token
    int64_t most = options.tokens;
    if (options.token) {
        text.place = text.origin + *options.token - 1;
        most = std::max(most, *text.place + 1);
    }
    text.tokens.resize(std::min(text.tokens.size(), static_cast<size_t>(most)));
    return text;
}

Error noSuchPlace(const std::string& what, int64_t asked, int64_t count) {
    return Error("blame.place", "The answer has " + std::to_string(count) + " " + what + "; " +
                                    std::to_string(asked) +
                                    " was asked for. Give one of the answer's own.");
}

/// Which token of the answer a byte belongs to, from 0.
int64_t tokenOfByte(const Tokenizer& tokenizer, std::span<const Token> answer, int64_t byte) {
    int64_t end = 0;
    for (size_t i = 0; i < answer.size(); ++i) {
        end += static_cast<int64_t>(tokenizer.decode(answer.subspan(i, 1), false).size());
        if (byte < end) {
            return static_cast<int64_t>(i);
        }
    }
    throw noSuchPlace("bytes, counted from 0", byte, end);
}

BlamedText textOfAnswer(const BlamedTextOptions& options, const ScoreRequest& request,
                        const Tokenizer& tokenizer, const ChatTemplate& chat) {
    ScoredText scored = scoredText(tokenizer, chat, request);
    const auto count = static_cast<int64_t>(scored.scored.size());
    BlamedText text;
    text.firstPlace = text.origin = static_cast<int64_t>(scored.prompt.size());
    if (options.byte) {
        text.place = text.firstPlace + tokenOfByte(tokenizer, scored.scored, *options.byte);
    } else if (options.token) {
        if (*options.token > count) {
            throw noSuchPlace("tokens, counted from 1", *options.token, count);
        }
        text.place = text.firstPlace + *options.token - 1;
    }
    text.tokens = std::move(scored.prompt);
    text.tokens.insert(text.tokens.end(), scored.scored.begin(), scored.scored.end());
    if (text.place) { // nothing after it counts
        text.tokens.resize(static_cast<size_t>(*text.place) + 1);
    }
    return text;
}

} // namespace

BlamedSource readBlamedSource(const BlamedTextOptions& options) {
    if (options.request.empty()) {
        return {readUtf8File(heldOutText(options.text)), std::nullopt};
    }
    return {{}, parseScoreRequest(readTextFile(options.request, kMostBodyBytes))};
}

BlamedText blamedText(const BlamedTextOptions& options, const BlamedSource& source,
                      const Tokenizer& tokenizer, const ChatTemplate& chat) {
    return source.request ? textOfAnswer(options, *source.request, tokenizer, chat)
                          : textOfFile(options, source.text, tokenizer);
}

std::string textBefore(const Tokenizer& tokenizer, const std::vector<Token>& tokens,
                       int64_t place) {
    const int64_t first = std::max<int64_t>(0, place - kContextTokens);
    const std::span<const Token> before(tokens.data() + first, static_cast<size_t>(place - first));
    return (first > 0 ? "..." : "") + printable(tokenizer.decode(before, false), kContextBytes);
}

} // namespace caldera::cli
