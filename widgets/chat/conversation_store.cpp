#include "widgets/chat/conversation_store.h"

#include <algorithm>

#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QSaveFile>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qint64 kFileLimit = 64 << 20;

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
        QSaveFile file(path);
        const QByteArray text = QJsonDocument(conversation.toJson()).toJson();
        if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size() || !file.commit())
            Q_EMIT failed(tr("The conversation \"%1\" could not be saved to %2: %3. Make room or "
                             "check the folder's rights; it is tried again with the next message.")
                              .arg(conversation.title, path, file.errorString()));
    });
}

void ConversationStore::remove(const QString& id) {
    QMetaObject::invokeMethod(disk_, [path = fileOf(id)] { QFile::remove(path); });
}

} // namespace caldera::studio
