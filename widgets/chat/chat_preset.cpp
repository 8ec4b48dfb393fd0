#include "widgets/chat/chat_preset.h"

#include <QCoreApplication>
#include <QCryptographicHash>

#include "core/base/format_version.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr const char* kFormatName = "caldera-preset";
constexpr int kFormatMajor = 1;
constexpr qsizetype kNameLength = 60;
constexpr qsizetype kDigits = 8;

QString translated(const char* text) {
    return QCoreApplication::translate("ChatPreset", text);
}

FormatFit fitOf(const QJsonObject& json) {
    return formatFit(json["format"_L1].toString().toStdString(), kFormatName, kFormatMajor);
}

} // namespace

bool ChatPreset::isNewer(const QJsonObject& json) {
    return fitOf(json) == FormatFit::Newer;
}

ChatPreset ChatPreset::fromJson(const QJsonObject& json) {
    ChatPreset preset;
    if (fitOf(json) != FormatFit::Readable)
        return preset;
    preset.name = json["name"_L1].toString().simplified().left(kNameLength);
    preset.systemPrompt = json["system_prompt"_L1].toString();
    preset.sampling = ChatSampling::fromJson(json["sampling"_L1].toObject());
    return preset;
}

QJsonObject ChatPreset::toJson() const {
    return {{u"format"_s, QString::fromStdString(formatText(kFormatName, kFormatMajor))},
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
