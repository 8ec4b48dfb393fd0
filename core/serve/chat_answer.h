// One answer: from a checked request to OpenAI's documents.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/runtime/engine.h"
#include "core/serve/answer.h"
#include "core/serve/chat_request.h"

namespace caldera {

/// GenerationStatistics with the names of docs/serve.md: "prompt_tokens", "tokens_per_second", ...
nlohmann::json statisticsDocument(const GenerationStatistics& statistics);

/// A part of an answer's text, in whole characters.
struct AnswerPiece {
    std::string text;
    /// Those that begin in the text, where the request wants their chances.
    std::vector<GeneratedToken> tokens;
    int taken = 0; ///< tokens since the last piece
};

/// Tokenizes a request when made; answers it once.
class ChatAnswer : public Answer {
public:
    /// Throws RequestError("messages") when the prompt leaves no room in the context, and
    /// Error("chat.*"). Throws Cancelled.
    ChatAnswer(const Engine& engine, ChatRequest request, const std::stop_token& cancel);

    bool isStreamed() const override { return request_.stream; }

    /// "chat.completion.chunk"s, of which the last one has finish_reason, usage and the `caldera`
    /// object.
    void stream(Engine& engine, const Emit& emit, const std::stop_token& cancel) override;

    /// The whole "chat.completion".
    nlohmann::json whole(Engine& engine, const std::stop_token& cancel) override;

    /// Only the pieces. onPiece ends the answer by returning false, which counts as a cancellation.
    using OnPiece = std::function<bool(const AnswerPiece&)>;
    FinishReason generate(Engine& engine, const OnPiece& onPiece, const std::stop_token& cancel);
    const GenerationStatistics& statistics() const { return statistics_; }

private:
    nlohmann::json document(const char* object) const;
    /// OpenAI's "logprobs" of a choice; null where they were not asked for.
    nlohmann::json chancesOf(const Engine& engine, const std::vector<GeneratedToken>& tokens) const;
    void addEnd(nlohmann::json& document, FinishReason reason) const;

    ChatRequest request_;
    std::vector<Token> prompt_;
    std::vector<Token> stop_;
    std::string id_;
    std::string model_;
    int64_t created_;
    GenerationStatistics statistics_;
};

} // namespace caldera
