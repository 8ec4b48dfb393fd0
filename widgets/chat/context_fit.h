// Whether the next message still fits the model's context.
#pragma once

#include <QString>

#include <optional>

#include "widgets/chat/conversation.h"

namespace caldera::studio {

enum class ContextState {
    Fits,
    Tight, ///< the answer will be cut before its limit of tokens
    Full   ///< the question leaves no room for an answer
};

struct ContextFit {
    ContextState state = ContextState::Fits;
    int used = 0;      ///< tokens of the conversation with the new message
    int room = 0;      ///< tokens left for the answer, at least 0
    bool exact = true; ///< false where tokens were estimated from characters
};

/// Tokens of the conversation's path with `draft` after it, or after the message `parent` (empty:
/// as a first one) where that is to be another branch. Answers say what the engine counted; what
/// came after the last of those is estimated at three characters a token, which is more than most
/// texts need. `contextLength` 0: unknown, and everything fits.
ContextFit contextFit(const Conversation& conversation, const QString& draft, int contextLength,
                      const std::optional<QString>& parent = {});

} // namespace caldera::studio
