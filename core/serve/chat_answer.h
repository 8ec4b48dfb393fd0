// One answer: from a checked request to OpenAI's documents.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/runtime/engine.h"
#include "core/serve/chat_request.h"

namespace caldera {

/// GenerationStatistics with the names of docs/serve.md: "prompt_tokens", "tokens_per_second", ...
nlohmann::json statisticsDocument(const GenerationStatistics& statistics);

/// Tokenizes a request when made; answers it once.
class ChatAnswer {
public:
    /// Throws RequestError("messages") when the prompt leaves no room in the context, and
    /// Error("chat.*").
    ChatAnswer(const Engine& engine, ChatRequest request);

    bool isStreamed() const { return request_.stream; }

    /// Gives each "chat.completion.chunk" to emit, which returns false when nobody reads any more.
    /// The last one has finish_reason, usage and the `caldera` object; none comes after a
    /// cancellation.
    using Emit = std::function<bool(const nlohmann::json&)>;
    void stream(Engine& engine, const Emit& emit, const std::stop_token& cancel);

    /// The whole "chat.completion". Throws Cancelled.
    nlohmann::json whole(Engine& engine, const std::stop_token& cancel);

    /// Only the text, in pieces of whole characters. onText ends the answer by returning false,
    /// which counts as a cancellation.
    using OnText = std::function<bool(const std::string&)>;
    FinishReason generate(Engine& engine, const OnText& onText, const std::stop_token& cancel);
    const GenerationStatistics& statistics() const { return statistics_; }

private:
    nlohmann::json document(const char* object) const;
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
