#include "widgets/chat/conversation_store.h"

#include <algorithm>

#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSaveFile>

#include "widgets/chat/conversation_export.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qint64 kFileLimit = 64 << 20;
constexpr qint64 kPresetLimit = 1 << 20;
constexpr qsizetype kMostPresets = 500; // that a list is of any use with
constexpr auto kAnswerSuffix = ".answer"_L1;

QString answerPath(const QString& folder, const QString& id) {
    return folder + u'/' + id + kAnswerSuffix;
}

QByteArray lineOf(const AnswerPart& part) {
    const QJsonObject json{
        {u"message"_s, part.message}, {u"from"_s, part.from}, {u"text"_s, part.text}};
    return QJsonDocument(json).toJson(QJsonDocument::Compact) + '\n';
}

/// What a line says that the message does not hold yet. A line may be torn, or tell what was saved
/// with the conversation since.
void takeLine(const QByteArray& line, Conversation& conversation) {
    const QJsonObject json = QJsonDocument::fromJson(line).object();
    ChatMessage* message = conversation.find(json["message"_L1].toString());
    const qsizetype from = json["from"_L1].toInteger(-1);
    const QString text = json["text"_L1].toString();
    if (message && from >= 0 && from <= message->text.size() &&
        from + text.size() > message->text.size())
        message->text = message->text.left(from) + text;
}

/// The end of an answer that nobody was there to save: the studio was killed while it came in.
void takeRest(const QString& path, Conversation& conversation) {
    QFile file(path);
    if (file.size() > kFileLimit || !file.open(QIODevice::ReadOnly))
        return;
    for (const QByteArray& line : file.readAll().split('\n'))
        takeLine(line, conversation);
}

struct Found {
    QList<Conversation> conversations; ///< newest first
    int newer = 0;                     ///< files that a later studio wrote
    QStringList tooLarge;
};

Found readAll(const QString& folder) {
    Found found;
    for (const QFileInfo& entry : QDir(folder).entryInfoList({u"*.json"_s}, QDir::Files)) {
        QFile file(entry.filePath());
        if (entry.size() > kFileLimit)
            found.tooLarge.append(entry.filePath());
        if (entry.size() > kFileLimit || !file.open(QIODevice::ReadOnly))
            continue;
        const QJsonObject json = QJsonDocument::fromJson(file.readAll()).object();
        found.newer += Conversation::isNewer(json) ? 1 : 0;
        Conversation conversation = Conversation::fromJson(json);
        if (conversation.id != entry.completeBaseName())
            continue;
        takeRest(answerPath(folder, conversation.id), conversation);
        found.conversations.append(conversation);
    }
    std::sort(found.conversations.begin(), found.conversations.end(),
              [](const Conversation& a, const Conversation& b) { return a.updated > b.updated; });
    return found;
}

/// Empty for a file that cannot be read, or that is too large for a preset.
QJsonObject presetDocument(const QString& path) {
    QFile file(path);
    if (file.size() > kPresetLimit || !file.open(QIODevice::ReadOnly))
        return {};
    return QJsonDocument::fromJson(file.readAll()).object();
}

QList<ChatPreset> readPresets(const QString& folder) {
    QList<ChatPreset> all;
    for (const QFileInfo& entry :
         QDir(folder).entryInfoList({u"*.json"_s}, QDir::Files).mid(0, kMostPresets)) {
        const ChatPreset preset = ChatPreset::fromJson(presetDocument(entry.filePath()));
        if (!preset.name.isEmpty())
            all.append(preset);
    }
    std::sort(all.begin(), all.end(), [](const ChatPreset& a, const ChatPreset& b) {
        return a.name.localeAwareCompare(b.name) < 0;
    });
    return all;
}

/// The file whole or not at all; the reason of a failure, or nothing.
QString writeWhole(const QString& path, const QByteArray& content) {
    QSaveFile file(path);
    const bool isWritten =
        file.open(QIODevice::WriteOnly) && file.write(content) == content.size() && file.commit();
    return isWritten ? QString() : file.errorString();
}

/// Adds a line; the reason of a failure, or nothing. What a killed program wrote is the system's
/// already, so it is not synced.
QString appendTo(const QString& path, const QByteArray& line) {
    QFile file(path);
    const bool isWritten =
        file.open(QIODevice::Append | QIODevice::Unbuffered) && file.write(line) == line.size();
    return isWritten ? QString() : file.errorString();
}

} // namespace

ConversationStore::ConversationStore(QString folder, QObject* parent)
    : QObject(parent), folder_(std::move(folder)), disk_(new QObject) {
    disk_->moveToThread(&thread_);
    connect(&thread_, &QThread::finished, disk_, &QObject::deleteLater);
    thread_.setObjectName("chats"_L1);
    thread_.start();
}

ConversationStore::~ConversationStore() {
    QMetaObject::invokeMethod(
        disk_, [] {}, Qt::BlockingQueuedConnection);
    thread_.quit();
    thread_.wait();
}

QString ConversationStore::fileOf(const QString& id) const {
    return folder_ + u'/' + id + ".json"_L1;
}

QString ConversationStore::answerFileOf(const QString& id) const {
    return answerPath(folder_, id);
}

void ConversationStore::load() {
    QMetaObject::invokeMethod(disk_, [this, folder = folder_] {
        const Found found = readAll(folder);
        Q_EMIT loaded(found.conversations, found.newer);
        for (const QString& path : found.tooLarge)
            Q_EMIT failed(tr("%1 has more than %2 MiB and is not read as a conversation. It stays "
                             "where it is; open it with another program.")
                              .arg(path)
                              .arg(kFileLimit >> 20));
    });
}

void ConversationStore::save(const Conversation& conversation) {
    QMetaObject::invokeMethod(disk_, [this, conversation] {
        QDir().mkpath(folder_);
        const QString path = fileOf(conversation.id);
        const QString failure = writeWhole(path, jsonOf(conversation));
        if (failure.isEmpty())
            QFile::remove(answerFileOf(conversation.id));
        else
            Q_EMIT failed(tr("The conversation \"%1\" could not be saved to %2: %3. Make room or "
                             "check the folder's rights; it is tried again with the next message.")
                              .arg(conversation.title, path, failure));
    });
}

void ConversationStore::append(const QString& id, const AnswerPart& part) {
    QMetaObject::invokeMethod(disk_, [this, part, path = answerFileOf(id)] {
        const QString failure = appendTo(path, lineOf(part));
        if (!failure.isEmpty())
            Q_EMIT failed(tr("The answer could not be saved to %1: %2. Make room or check the "
                             "folder's rights; it is tried again when the answer ends.")
                              .arg(path, failure));
    });
}

void ConversationStore::remove(const QString& id) {
    QMetaObject::invokeMethod(disk_, [path = fileOf(id), answer = answerFileOf(id)] {
        QFile::remove(path);
        QFile::remove(answer);
    });
}

void ConversationStore::loadPresets() {
    QMetaObject::invokeMethod(
        disk_, [this, folder = presetFolder()] { Q_EMIT presetsLoaded(readPresets(folder)); });
}

void ConversationStore::savePreset(const ChatPreset& preset) {
    QMetaObject::invokeMethod(disk_, [this, preset, folder = presetFolder()] {
        QDir().mkpath(folder);
        const QString path = folder + u'/' + preset.fileName();
        if (ChatPreset::isNewer(presetDocument(path))) {
            Q_EMIT failed(tr("A newer studio wrote the preset \"%1\" (%2); it is not written over. "
                             "Give yours another name.")
                              .arg(preset.name, path));
            return;
        }
        const QString failure = writeWhole(path, QJsonDocument(preset.toJson()).toJson());
        if (!failure.isEmpty())
            Q_EMIT failed(tr("The preset \"%1\" could not be saved to %2: %3. Make room or check "
                             "the folder's rights, then save it again.")
                              .arg(preset.name, path, failure));
        Q_EMIT presetsLoaded(readPresets(folder));
    });
}

void ConversationStore::removePreset(const ChatPreset& preset) {
    QMetaObject::invokeMethod(disk_, [this, preset, folder = presetFolder()] {
        // A file that a person put there may have another name.
        for (const QFileInfo& entry : QDir(folder).entryInfoList({u"*.json"_s}, QDir::Files)) {
            if (ChatPreset::fromJson(presetDocument(entry.filePath())).name == preset.name)
                QFile::remove(entry.filePath());
        }
        Q_EMIT presetsLoaded(readPresets(folder));
    });
}

} // namespace caldera::studio
