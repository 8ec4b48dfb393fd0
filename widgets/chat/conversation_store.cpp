#include "widgets/chat/conversation_store.h"

#include <algorithm>

#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QSaveFile>

#include "widgets/chat/conversation_export.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qint64 kFileLimit = 64 << 20;
constexpr qint64 kPresetLimit = 1 << 20;

QList<Conversation> readAll(const QString& folder) {
    QList<Conversation> all;
    for (const QFileInfo& entry : QDir(folder).entryInfoList({u"*.json"_s}, QDir::Files)) {
        QFile file(entry.filePath());
        if (entry.size() > kFileLimit || !file.open(QIODevice::ReadOnly))
            continue;
        const Conversation conversation =
            Conversation::fromJson(QJsonDocument::fromJson(file.readAll()).object());
        if (conversation.id == entry.completeBaseName())
            all.append(conversation);
    }
    std::sort(all.begin(), all.end(),
              [](const Conversation& a, const Conversation& b) { return a.updated > b.updated; });
    return all;
}

QList<ChatPreset> readPresets(const QString& folder) {
    QList<ChatPreset> all;
    for (const QFileInfo& entry : QDir(folder).entryInfoList({u"*.json"_s}, QDir::Files)) {
        QFile file(entry.filePath());
        if (entry.size() > kPresetLimit || !file.open(QIODevice::ReadOnly))
            continue;
        const ChatPreset preset =
            ChatPreset::fromJson(QJsonDocument::fromJson(file.readAll()).object());
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

void ConversationStore::load() {
    QMetaObject::invokeMethod(disk_, [this, folder = folder_] { Q_EMIT loaded(readAll(folder)); });
}

void ConversationStore::save(const Conversation& conversation) {
    QMetaObject::invokeMethod(disk_, [this, conversation, path = fileOf(conversation.id)] {
        QDir().mkpath(folder_);
        const QString failure = writeWhole(path, jsonOf(conversation));
        if (!failure.isEmpty())
            Q_EMIT failed(tr("The conversation \"%1\" could not be saved to %2: %3. Make room or "
                             "check the folder's rights; it is tried again with the next message.")
                              .arg(conversation.title, path, failure));
    });
}

void ConversationStore::remove(const QString& id) {
    QMetaObject::invokeMethod(disk_, [path = fileOf(id)] { QFile::remove(path); });
}

void ConversationStore::loadPresets() {
    QMetaObject::invokeMethod(
        disk_, [this, folder = presetFolder()] { Q_EMIT presetsLoaded(readPresets(folder)); });
}

void ConversationStore::savePreset(const ChatPreset& preset) {
    QMetaObject::invokeMethod(disk_, [this, preset, folder = presetFolder()] {
        QDir().mkpath(folder);
        const QString path = folder + u'/' + preset.fileName();
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
            QFile file(entry.filePath());
            if (entry.size() <= kPresetLimit && file.open(QIODevice::ReadOnly) &&
                ChatPreset::fromJson(QJsonDocument::fromJson(file.readAll()).object()).name ==
                    preset.name)
                file.remove();
        }
        Q_EMIT presetsLoaded(readPresets(folder));
    });
}

} // namespace caldera::studio
