#include "widgets/chat/conversation_export.h"

#include <QCoreApplication>
#include <QJsonDocument>

namespace caldera::studio {

using namespace Qt::StringLiterals;

QString markdownOf(const Conversation& conversation) {
    const auto tr = [](const char* text) {
        return QCoreApplication::translate("ConversationExport", text);
    };
    QString text = u"# "_s + conversation.title + u'\n';
    if (!conversation.systemPrompt.isEmpty())
        text += u"\n> "_s + QString(conversation.systemPrompt).replace(u'\n', u"\n> "_s) + u'\n';
    for (const ChatMessage& message : conversation.path()) {
        const QString author =
            message.role == ChatRole::User ? tr(QT_TRANSLATE_NOOP("ConversationExport", "You"))
            : message.model.isEmpty()      ? tr(QT_TRANSLATE_NOOP("ConversationExport", "Model"))
                                           : message.model;
        text += u"\n**"_s + author + u":**\n\n"_s + message.text + u'\n';
    }
    return text;
}

QByteArray jsonOf(const Conversation& conversation) {
    return QJsonDocument(conversation.toJson()).toJson();
}

QString fileNameOf(const Conversation& conversation) {
    QString name;
    for (const QChar letter : conversation.title)
        name += letter.isLetterOrNumber() || letter == u'-' ? letter : u' ';
    name = name.simplified().replace(u' ', u'-');
    return name.isEmpty() ? u"conversation"_s : name;
}

} // namespace caldera::studio
