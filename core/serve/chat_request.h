// The body of POST /v1/chat/completions, checked (docs/serve.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/chat_template.h"
#include "core/runtime/engine.h"
#include "core/serve/request_body.h"

namespace caldera {

struct ChatRequest {
    std::vector<ChatMessage> messages;
    SamplingOptions sampling;
    std::vector<std::string> stop; ///< texts that end the answer; not part of it
    bool stream = false;
    bool includesUsage = false; ///< a last chunk of its own has the usage
    /// The last message is the assistant's beginning of the answer, which goes on from there.
    bool continues = false;
};

/// Reads a request. Keys that are null count as absent, unknown keys are ignored, a missing seed is
/// drawn. Throws RequestError: malformed JSON, wrong types, values out of range, unknown roles, no
/// messages, or wishes that need something we do not have (several answers, tools).
ChatRequest parseChatRequest(std::string_view body);

/// The body of POST /caldera/v1/scores.
struct ScoreRequest {
    /// What is scored is the content of the last one, the assistant's, or `tokens` after them.
    /// Empty: `text` is scored.
    std::vector<ChatMessage> messages;
    std::vector<Token> tokens; ///< of an answer, exactly as they were said
    std::string text;
    int likeliest = 20; ///< tokens that each place names beside the one that stands there
    bool stream = false;
};

/// Throws RequestError.
ScoreRequest parseScoreRequest(std::string_view body);

/// {"error": {"message", "type", "param", "code"}}, as OpenAI's. An empty parameter becomes null.
std::string errorDocument(const std::string& message, const std::string& type,
                          const std::string& parameter, const std::string& code);

} // namespace caldera
