// Turns a conversation into the prompt text that a model was trained on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caldera {

struct ChatMessage {
    std::string role; ///< "system", "user" or "assistant"
    std::string content;
};

enum class ChatFormat { ChatMl, Llama2, Llama3 };

std::string_view chatFormatName(ChatFormat format); ///< "chatml", "llama-2", "llama-3"
std::optional<ChatFormat> parseChatFormat(std::string_view name);
/// Recognises a format by the marks in a Jinja template; nullopt when none fits.
std::optional<ChatFormat> detectChatFormat(std::string_view jinjaTemplate);

struct ChatTemplate {
    ChatFormat format = ChatFormat::ChatMl;
    std::string
        defaultSystem; ///< inserted when the conversation has no system message, unless empty
};

/// The system message that a ChatML template inserts by itself; empty when it has none.
std::string detectDefaultSystem(std::string_view jinjaTemplate);
/// "<|im_end|>" and the like.
std::string_view endOfTurnMark(ChatFormat format);

/// A stretch of the prompt: one of the template's marks, or text (never a special token).
struct ChatSegment {
    std::string text;
    bool isMark = false;
};
std::vector<ChatSegment> chatSegments(const ChatTemplate& chat,
                                      const std::vector<ChatMessage>& messages);

/// The prompt up to where the assistant begins. Special marks inside message contents are the
/// caller's to encode as text (see encodeChat in core/model/model.h). Throws Error("chat.role").
std::string renderChat(const ChatTemplate& chat, const std::vector<ChatMessage>& messages);

} // namespace caldera
