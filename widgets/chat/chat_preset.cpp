#include "widgets/chat/chat_preset.h"

#include <QCoreApplication>
#include <QCryptographicHash>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kFormat = "caldera-preset/1"_L1;
constexpr qsizetype kNameLength = 60;
constexpr qsizetype kDigits = 8;

QString translated(const char* text) {
    return QCoreApplication::translate("ChatPreset", text);
}

} // namespace

ChatPreset ChatPreset::fromJson(const QJsonObject& json) {
    ChatPreset preset;
    if (json["format"_L1].toString() != kFormat)
        return preset;
    preset.name = json["name"_L1].toString().simplified().left(kNameLength);
    preset.systemPrompt = json["system_prompt"_L1].toString();
    preset.sampling = ChatSampling::fromJson(json["sampling"_L1].toObject());
    return preset;
}

QJsonObject ChatPreset::toJson() const {
    return {{u"format"_s, QString(kFormat)},
            {u"name"_s, name},
            {u"system_prompt"_s, systemPrompt},
            {u"sampling"_s, sampling.toJson()}};
}

QString ChatPreset::fileName() const {
    QString plain;
    for (const QChar letter : name) {
        const bool isPlain = letter.unicode() < 128 && letter.isLetterOrNumber();
        plain += isPlain ? letter.toLower() : u'-';
    }
    const QByteArray hash =
        QCryptographicHash::hash(name.toUtf8(), QCryptographicHash::Sha256).toHex();
    return plain + u'-' + QString::fromLatin1(hash.left(kDigits)) + ".json"_L1;
}

QList<ChatPreset> builtInPresets() {
    ChatPreset usual{translated(QT_TRANSLATE_NOOP("ChatPreset", "Balanced")), {}, {}};
    ChatPreset exact{translated(QT_TRANSLATE_NOOP("ChatPreset", "Exact")), {}, {}};
    exact.sampling.temperature = 0;
    exact.sampling.seed = 0;
    ChatPreset free{translated(QT_TRANSLATE_NOOP("ChatPreset", "Inventive")), {}, {}};
    free.sampling.temperature = 1;
    free.sampling.topP = 1;
    free.sampling.minP = 0.05;
    return {usual, exact, free};
}

} // namespace caldera::studio
