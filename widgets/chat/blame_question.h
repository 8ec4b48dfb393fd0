// A word of an answer, as `caldera blame` is asked which cells moved it.
#pragma once

#include <QJsonObject>
#include <QString>

#include <optional>

#include "widgets/chat/chat_client.h"

namespace caldera::studio {

struct BlameQuestion {
    QJsonObject request;  ///< messages and answer, as POST /caldera/v1/scores takes them
    qsizetype token = -1; ///< of the answer, from 0; -1: `byte` says
    qsizetype byte = -1;  ///< of the answer in UTF-8, from 0: its token is meant
    QString word;         ///< for a person
};

/// The word at a place of an answer: letters and digits that stand together, or one other
/// character. Empty between words.
QString wordAt(const QString& text, qsizetype place);

/// Asks about the word at `place` of `shown`, the plain text of the answer that ends
/// `conversation`. Nothing where no word stands.
std::optional<BlameQuestion> questionAbout(const ChatRequest& conversation, const QString& shown,
                                           qsizetype place);

} // namespace caldera::studio
