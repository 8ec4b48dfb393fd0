// How likely the model finds a given text, token by token.
#pragma once

#include <vector>

#include "core/serve/answer.h"
#include "core/serve/chat_request.h"

namespace caldera {

/// Tokens to score, and those before them.
struct ScoredText {
    std::vector<Token> prompt;
    std::vector<Token> scored;
};

/// Throws RequestError for a text without tokens to score, or with tokens that the vocabulary does
/// not have, and Cancelled.
ScoredText scoredText(const Tokenizer& tokenizer, const ChatTemplate& chat,
                      const ScoreRequest& request, const std::stop_token& cancel = {});

/// Takes the model along the text instead of letting it choose (docs/serve.md, "scores").
class ScoreAnswer : public Answer {
public:
    /// Throws what scoredText() throws, and RequestError for a text that does not fit the context.
    ScoreAnswer(const Engine& engine, const ScoreRequest& request, const std::stop_token& cancel);

    bool isStreamed() const override { return isStreamed_; }
    void stream(Engine& engine, const Emit& emit, const std::stop_token& cancel) override;
    nlohmann::json whole(Engine& engine, const std::stop_token& cancel) override;

private:
    /// The end of the document; false when the answer was cancelled.
    bool score(Engine& engine, const Emit& onToken, const std::stop_token& cancel,
               nlohmann::json& end);

    bool isStreamed_;
    std::vector<Token> prompt_;
    SamplingOptions sampling_;
};

} // namespace caldera
