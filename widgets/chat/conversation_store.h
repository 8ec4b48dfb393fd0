// Conversations and presets on disk: one JSON file each, read and written on a thread of its own.
// While an answer is written, what came of it is appended to a second file.
#pragma once

#include <QList>
#include <QObject>
#include <QString>
#include <QThread>

#include "widgets/chat/chat_preset.h"
#include "widgets/chat/conversation.h"

namespace caldera::studio {

/// A piece of an answer that is being written.
struct AnswerPart {
    QString message;    ///< its id
    qsizetype from = 0; ///< characters of the message before the piece
    QString text;
};

/// Files are written whole or not at all; an answer's pieces are lines of a file that is gone when
/// the conversation is saved. Requests are done in order; the destructor waits until the last one
/// is on disk.
class ConversationStore : public QObject {
    Q_OBJECT
public:
    explicit ConversationStore(QString folder, QObject* parent = nullptr);
    ~ConversationStore() override;

    /// Reads all conversations and emits loaded(). Files that are not conversations stay untouched.
    void load();
    void save(const Conversation& conversation);
    /// Keeps more of an answer in a conversation that was saved since the message began. It costs
    /// what the piece holds, however long the conversation is.
    void append(const QString& id, const AnswerPart& part);
    void remove(const QString& id);

    /// Presets are in the folder "presets" below. Reads them all and emits presetsLoaded().
    void loadPresets();
    /// One of the same name is replaced; presetsLoaded() follows.
    void savePreset(const ChatPreset& preset);
    void removePreset(const ChatPreset& preset);

Q_SIGNALS:
    /// By name.
    void presetsLoaded(const QList<ChatPreset>& presets);
    /// Newest first. `newer` files are of a later studio: they are not read, and stay as they are.
    void loaded(const QList<Conversation>& conversations, int newer);
    void failed(const QString& sentence);

private:
    QString fileOf(const QString& id) const;
    QString answerFileOf(const QString& id) const;
    QString presetFolder() const { return folder_ + QStringLiteral("/presets"); }

    QString folder_;
    QThread thread_;
    QObject* disk_ = nullptr; ///< lives on thread_
};

} // namespace caldera::studio
