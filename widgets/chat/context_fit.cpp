#include "widgets/chat/context_fit.h"

#include <algorithm>

namespace caldera::studio {

namespace {

constexpr qsizetype kCharactersAToken = 3;
constexpr int kMarksAMessage = 8; ///< tokens of a template around a message, with room to spare

int estimate(const QString& text) {
    return static_cast<int>((text.size() + kCharactersAToken - 1) / kCharactersAToken) +
           kMarksAMessage;
}

bool isCounted(const ChatMessage& message) {
    return message.statistics.promptTokens >= 0 && message.statistics.generatedTokens >= 0;
}

} // namespace

ContextFit contextFit(const Conversation& conversation, const QString& draft, int contextLength,
                      const std::optional<QString>& parent) {
    ContextFit fit;
    const ChatMessage* message = conversation.find(parent.value_or(conversation.leaf()));
    // What the engine counted last includes everything before it.
    for (; message && !isCounted(*message); message = conversation.find(message->parent)) {
        fit.used += estimate(message->text);
        fit.exact = false;
    }
    if (message)
        fit.used += message->statistics.promptTokens + message->statistics.generatedTokens;
    else if (!conversation.systemPrompt.isEmpty())
        fit.used += estimate(conversation.systemPrompt);
    if (!draft.isEmpty()) {
        fit.used += estimate(draft);
        fit.exact = false;
    }
    if (contextLength <= 0)
        return fit;
    fit.room = std::max(0, contextLength - fit.used);
    fit.state = fit.room == 0                                ? ContextState::Full
                : fit.room < conversation.sampling.maxTokens ? ContextState::Tight
                                                             : ContextState::Fits;
    return fit;
}

} // namespace caldera::studio
