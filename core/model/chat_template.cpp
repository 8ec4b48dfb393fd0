#include "core/model/chat_template.h"

#include <array>

#include "core/base/error.h"

namespace caldera {

namespace {

struct FormatName {
    ChatFormat format;
    std::string_view name;
    std::string_view sign; ///< a mark that no other format has
};

constexpr std::array<FormatName, 3> kFormats = {{
    {ChatFormat::ChatMl, "chatml", "<|im_start|>"},
    {ChatFormat::Llama3, "llama-3", "<|start_header_id|>"},
    {ChatFormat::Llama2, "llama-2", "[INST]"},
}};

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Collects marks and text; neighbouring texts become one, as a tokenizer sees them.
class Segments {
public:
    Segments& mark(std::string_view text) {
        list_.push_back({std::string(text), true});
        return *this;
    }
    Segments& text(std::string_view text) {
        if (list_.empty() || list_.back().isMark) {
            list_.push_back({{}, false});
        }
        list_.back().text += text;
        return *this;
    }
    std::vector<ChatSegment> take() { return std::move(list_); }

private:
    std::vector<ChatSegment> list_;
};

std::vector<ChatSegment> chatMl(const std::vector<ChatMessage>& messages) {
    Segments segments;
    for (const ChatMessage& message : messages) {
        segments.mark("<|im_start|>").text(message.role).text("\n").text(message.content);
        segments.mark("<|im_end|>").text("\n");
    }
    segments.mark("<|im_start|>").text("assistant\n");
    return segments.take();
}

std::vector<ChatSegment> llama3(const std::vector<ChatMessage>& messages) {
    Segments segments;
    const auto header = [&](std::string_view role) {
        segments.mark("<|start_header_id|>").text(role).mark("<|end_header_id|>").text("\n\n");
    };
    segments.mark("<|begin_of_text|>");
    for (const ChatMessage& message : messages) {
        header(message.role);
        segments.text(trimmed(message.content)).mark("<|eot_id|>");
    }
    header("assistant");
    return segments.take();
}

std::vector<ChatSegment> llama2(const std::vector<ChatMessage>& messages) {
    Segments segments;
    std::string system;
    for (const ChatMessage& message : messages) {
        if (message.role == "system") {
            system = "<<SYS>>\n" + message.content + "\n<</SYS>>\n\n";
        } else if (message.role == "user") {
            segments.mark("<s>").text("[INST] ").text(system).text(trimmed(message.content));
            segments.text(" [/INST]");
            system.clear();
        } else {
            segments.text(" ").text(trimmed(message.content)).text(" ").mark("</s>");
        }
    }
    return segments.take();
}

/// The conversation with the default system message, its roles checked.
std::vector<ChatMessage> checkedMessages(const ChatTemplate& chat,
                                         const std::vector<ChatMessage>& messages) {
    std::vector<ChatMessage> checked;
    if (!chat.defaultSystem.empty() && (messages.empty() || messages[0].role != "system")) {
        checked.push_back({"system", chat.defaultSystem});
    }
    for (const ChatMessage& message : messages) {
        if (message.role != "system" && message.role != "user" && message.role != "assistant") {
            throw Error("chat.role",
                        "A chat message has the role \"" + message.role +
                            "\"; \"system\", \"user\" or \"assistant\" is needed.",
                        {{"role", message.role}});
        }
        checked.push_back(message);
    }
    return checked;
}

} // namespace

std::string_view chatFormatName(ChatFormat format) {
    for (const FormatName& entry : kFormats) {
        if (entry.format == format) {
            return entry.name;
        }
    }
    return "chatml";
}

std::optional<ChatFormat> parseChatFormat(std::string_view name) {
    for (const FormatName& entry : kFormats) {
        if (entry.name == name) {
            return entry.format;
        }
    }
    return std::nullopt;
}

std::optional<ChatFormat> detectChatFormat(std::string_view jinjaTemplate) {
    for (const FormatName& entry : kFormats) {
        if (jinjaTemplate.find(entry.sign) != std::string_view::npos) {
            return entry.format;
        }
    }
    return std::nullopt;
}

std::string detectDefaultSystem(std::string_view jinjaTemplate) {
    constexpr std::string_view opening = "<|im_start|>system";
    constexpr std::string_view closing = "<|im_end|>";
    for (size_t at = jinjaTemplate.find(opening); at != std::string_view::npos;
         at = jinjaTemplate.find(opening, at + 1)) {
        std::string_view rest = jinjaTemplate.substr(at + opening.size());
        if (rest.starts_with("\\n")) { // a line feed as Jinja writes it inside a literal
            rest.remove_prefix(2);
        } else if (rest.starts_with('\n')) {
            rest.remove_prefix(1);
        }
        const std::string_view literal = rest.substr(0, rest.find(closing));
        // A quote or brace means that the literal ended and an expression follows.
        if (literal.size() < rest.size() && !literal.empty() &&
            literal.find_first_of("'\"{}") == std::string_view::npos) {
            return std::string(literal);
        }
    }
    return {};
}

std::string_view endOfTurnMark(ChatFormat format) {
    switch (format) {
    case ChatFormat::Llama2:
        return "</s>";
    case ChatFormat::Llama3:
        return "<|eot_id|>";
    case ChatFormat::ChatMl:
        break;
    }
    return "<|im_end|>";
}

std::vector<ChatSegment> chatSegments(const ChatTemplate& chat,
                                      const std::vector<ChatMessage>& messages) {
    const std::vector<ChatMessage> checked = checkedMessages(chat, messages);
    switch (chat.format) {
    case ChatFormat::Llama2:
        return llama2(checked);
    case ChatFormat::Llama3:
        return llama3(checked);
    case ChatFormat::ChatMl:
        break;
    }
    return chatMl(checked);
}

std::string renderChat(const ChatTemplate& chat, const std::vector<ChatMessage>& messages) {
    std::string prompt;
    for (const ChatSegment& segment : chatSegments(chat, messages)) {
        prompt += segment.text;
    }
    return prompt;
}

} // namespace caldera
