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

} // namespace

ContextFit contextFit(const Conversation& conversation, const QString& draft, int contextLength) {
    ContextFit fit;
    const QList<ChatMessage> path = conversation.path();
    // What the engine counted last includes everything before it.
    const auto counted = std::find_if(path.rbegin(), path.rend(), [](const ChatMessage& message) {
        return message.statistics.promptTokens >= 0 && message.statistics.generatedTokens >= 0;
    });
    if (counted != path.rend())
        fit.used = counted->statistics.promptTokens + counted->statistics.generatedTokens;
    else if (!conversation.systemPrompt.isEmpty())
        fit.used = estimate(conversation.systemPrompt);
    for (auto message = path.rbegin(); message != counted; ++message) {
        fit.used += estimate(message->text);
        fit.exact = false;
    }
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
