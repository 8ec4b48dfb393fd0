// Conversations and presets on disk: one JSON file each, read and written on a thread of its own.
#pragma once

#include <QList>
#include <QObject>
#include <QString>
#include <QThread>

#include "widgets/chat/chat_preset.h"
#include "widgets/chat/conversation.h"

namespace caldera::studio {

/// Files are written whole or not at all. Requests are done in order; the destructor waits until
/// the last one is on disk.
class ConversationStore : public QObject {
    Q_OBJECT
public:
    explicit ConversationStore(QString folder, QObject* parent = nullptr);
    ~ConversationStore() override;

    /// Reads all conversations and emits loaded(). Files that are not conversations stay untouched.
    void load();
    void save(const Conversation& conversation);
    void remove(const QString& id);

    /// Presets are in the folder "presets" below. Reads them all and emits presetsLoaded().
    void loadPresets();
    /// One of the same name is replaced; presetsLoaded() follows.
    void savePreset(const ChatPreset& preset);
    void removePreset(const ChatPreset& preset);

Q_SIGNALS:
    /// By name.
    void presetsLoaded(const QList<ChatPreset>& presets);
    /// Newest first.
    void loaded(const QList<Conversation>& conversations);
    void failed(const QString& sentence);

private:
    QString fileOf(const QString& id) const;
    QString presetFolder() const { return folder_ + QStringLiteral("/presets"); }

    QString folder_;
    QThread thread_;
    QObject* disk_ = nullptr; ///< lives on thread_
};

} // namespace caldera::studio
