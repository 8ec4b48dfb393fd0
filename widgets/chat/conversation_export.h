// A conversation as a file for others to read.
#pragma once

#include <QString>

#include "widgets/chat/conversation.h"

namespace caldera::studio {

/// The branch on screen as Markdown, with who said what.
QString markdownOf(const Conversation& conversation);
/// The whole tree as JSON: what the studio keeps itself, which it also opens again.
QByteArray jsonOf(const Conversation& conversation);
/// The title as a file's name, without its ending.
QString fileNameOf(const Conversation& conversation);

} // namespace caldera::studio
