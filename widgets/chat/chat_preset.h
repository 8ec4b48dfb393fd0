// A system prompt and sampling under a name, kept as a file.
#pragma once

#include <QJsonObject>
#include <QList>
#include <QString>

#include "widgets/chat/conversation.h"

namespace caldera::studio {

struct ChatPreset {
    QString name;
    QString systemPrompt;
    ChatSampling sampling;

    /// Whether a later studio wrote it, whose presets this one does not read.
    static bool isNewer(const QJsonObject& json);
    /// A document that is no preset gives one without a name.
    static ChatPreset fromJson(const QJsonObject& json);
    QJsonObject toJson() const;
    /// Of its file, without folder: letters and digits of the name, and a number that tells apart
    /// what they leave alike.
    QString fileName() const;
    bool operator==(const ChatPreset&) const = default;
};

/// What every studio has: they are not kept as files and cannot be removed.
QList<ChatPreset> builtInPresets();

} // namespace caldera::studio
