// The Chat mode: conversations, the one that is open, and how fast the model answers.
#pragma once

#include <QHash>
#include <QSet>
#include <QTimer>
#include <QUrl>
#include <QWidget>

#include "widgets/chat/blame_question.h"
#include "widgets/chat/conversation.h"

class QMenu;
class QProgressBar;
class QStackedWidget;
class QToolButton;

namespace caldera::studio {

class CompareView;
class Composer;
class ConversationList;
class ConversationStore;
class EmptyState;
class EngineProcess;
class ErrorBanner;
class NoticeBar;
class ThroughputPanel;
class ToneLabel;
class Transcript;

/// Talks to the engine of the open artifact, or to any OpenAI-compatible server. Conversations are
/// kept in a folder and saved by themselves.
class ChatView : public QWidget {
    Q_OBJECT
public:
    /// `folder` keeps the conversations (stateFolder()/chats in the studio); `worker` is the path
    /// of the `caldera` program, empty: JobService::findWorker().
    explicit ChatView(const QString& folder, const QString& worker = {}, QWidget* parent = nullptr);
    ~ChatView() override;

    /// Chats with this artifact. Its engine starts when the view is first seen.
    void openArtifact(const QString& path, const QString& name);
    /// Ends the engine; conversations stay readable. `uncompressed`: the model that is open
    /// instead, which has to be compressed first.
    void closeArtifact(const QString& uncompressed = {});
    /// Talks to this server instead of an own engine.
    void useServer(const QUrl& server, const QString& modelName, const QByteArray& token = {});
    /// That server is not reached now; `sentence` says why. useServer() takes it up again.
    void loseServer(const QString& sentence);

    /// Begins a conversation; an empty one that is open already is used.
    void newConversation();
    void openConversation(const QString& id);
    /// How the answers of the open conversation are drawn from now on.
    void setSampling(const ChatSampling& sampling);
    /// Sends a message in the open conversation. While the engine starts it waits for it.
    void send(const QString& text);
    void stop();
    void regenerate(const QString& messageId);
    void editMessage(const QString& messageId);
    /// Goes on with the last answer, which broke off.
    void continueAnswer(const QString& messageId);
    /// Gives cells of the open artifact their original weights in its engine, to hear what they
    /// cost; a notice says so, and takes it back.
    void putBack(const QStringList& cells);
    /// Asks for a file and writes the conversation, as Markdown or JSON.
    void exportConversation(const QString& id);

    /// There is something to talk to: an artifact or a server.
    bool hasModel() const { return !ownEngine_ || !artifact_.isEmpty(); }
    bool isStreaming() const { return !streamingMessage_.isEmpty(); }
    const Conversation& conversation() const { return open_; }
    EngineProcess* engine() const { return engine_; }
    Composer* composer() const { return composer_; }
    Transcript* transcript() const { return transcript_; }
    ConversationList* list() const { return list_; }
    ThroughputPanel* throughput() const { return throughput_; }
    ConversationStore* store() const { return store_; }
    CompareView* compare() const { return compare_; }
    NoticeBar* swapNotice() const { return swapped_; }
    /// Shows the comparison of two models in the place of the conversation, or goes back.
    void setComparing(bool comparing);

Q_SIGNALS:
    /// The empty state's action where nothing is open, and where a model is that has to be
    /// compressed first.
    void openArtifactRequested();
    void planRequested();
    /// Which cells of the open artifact moved a word of an answer?
    void blameRequested(const caldera::studio::BlameQuestion& question);
    /// For the status line: "Answering…", empty when idle.
    void activityChanged(const QString& text);
    /// A question goes to this server, or a part of its answer comes from there.
    void serverUsed(const QUrl& server);

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* buildCentre();
    QWidget* buildTalk();
    QWidget* buildModes();
    void connectAll();
    void connectEngine();
    void connectConversations();
    void connectMessages();
    void takeLoaded(const QList<Conversation>& conversations, int newer);
    void deleteConversation(const QString& id);
    void copyAsMarkdown(const QString& id);
    Conversation* conversationOf(const QString& id);
    void keepOpen();
    void answer(const QString& questionId);
    void beginStreaming(const QString& messageId);
    void showFit();
    /// What was said up to a message.
    ChatRequest upTo(const Conversation& conversation, const QString& messageId) const;
    void request();
    void offerBlame(QMenu* menu, const QString& messageId, qsizetype place);
    void takeDelta(const QString& text);
    void endAnswer(ChatEnd end, const ChatStatistics& statistics, const QString& error);
    void touch(Conversation& conversation);
    void saveNow();
    void keepAnswer(bool isSaved);
    void saveSoon();
    void showOpen();
    void showEngine();
    void showEmpty(bool hasFailed);
    void takeServer(const QUrl& server, const QByteArray& token);
    void ensureEngine();
    void rest();
    void wake();
    void measureSpeed();
    void showSwapped(int cells);
    void explainSwap(const QString& sentence, bool needsProcessor);
    void undoSwap();
    void forgetSwaps();

    ConversationStore* store_;
    ChatClient* client_;
    EngineProcess* engine_;
    ConversationList* list_;
    Transcript* transcript_;
    Composer* composer_;
    ThroughputPanel* throughput_;
    ErrorBanner* banner_;
    NoticeBar* swapped_; ///< says which model really answers
    EmptyState* empty_;
    QStackedWidget* pages_;
    QStackedWidget* centre_ = nullptr; ///< the conversation, the comparison
    CompareView* compare_ = nullptr;
    QToolButton* talkMode_ = nullptr;
    QToolButton* compareMode_ = nullptr;
    QWidget* starting_ = nullptr;
    ToneLabel* startingText_ = nullptr;
    QProgressBar* startingBar_ = nullptr;

    QHash<QString, Conversation> stored_;
    Conversation open_;
    QString worker_;  ///< path of the `caldera` program; empty: it is looked for
    QString history_; ///< file of measured speeds
    QString artifact_;
    QString modelName_;
    QString uncompressed_; ///< the model that is open and has to be compressed first
    QUrl server_;
    QByteArray token_; ///< of the server
    bool ownEngine_ = true;
    bool isResting_ = false; ///< something else needs the machine
    QString lost_;           ///< why the other server is not reached; empty: it is
    QString editing_;        ///< message that the composer edits
    QString streamingConversation_;
    QString streamingMessage_;
    /// Tokens that the streaming message had before it was continued; negative: it is a new one.
    int continuedTokens_ = -1;
    qsizetype keptText_ = 0; ///< characters of the streaming message that are on disk, or soon
    int contextLength_ = 0;  ///< of the server; 0: unknown
    QStringList putBack_;    ///< cells that the engine is asked to swap when it is ready
    QStringList wanted_;     ///< cells that it was asked to swap last
    bool isBounded_ = false; ///< the server told how fast it could be
    bool waiting_ = false;   ///< the request is made when the engine is ready
    QTimer save_;
    QTimer surveys_; ///< of a GPU, while it answers
    QSet<QString> unsaved_;
};

} // namespace caldera::studio
