// One question to two models, and what each thinks of the reference's answer.
#pragma once

#include <QElapsedTimer>
#include <QList>
#include <QObject>
#include <QPointer>
#include <QProcess>
#include <QUrl>

#include <optional>

#include "widgets/chat/chat_client.h"
#include "widgets/chat/scored_token.h"

namespace caldera::studio {

/// A model to compare: a server, or (without one) a model that is scored layer by layer.
struct CompareSide {
    QString name;
    QUrl server;
    QByteArray token;
    QString model; ///< folder or file, when there is no server
};

/// The likeliest answer of both models, then the probabilities along one of them. That is the
/// reference's where it has a server; a model too large to be served cannot write one, so it is
/// taken along the subject's in one pass.
class CompareSession : public QObject {
    Q_OBJECT
public:
    enum class Stage { Idle, Answering, Scoring, Done };

    /// `worker`: path of the `caldera` program, for models without a server.
    explicit CompareSession(QString worker = {}, QObject* parent = nullptr);
    ~CompareSession() override;

    void start(const CompareSide& reference, const CompareSide& subject,
               const ChatRequest& question);
    void stop();
    /// Stops, and forgets what was answered and scored.
    void clear();

    /// For a session that was made before it was known.
    void setWorker(const QString& worker) { worker_ = worker; }

    Stage stage() const { return stage_; }
    bool isRunning() const { return stage_ == Stage::Answering || stage_ == Stage::Scoring; }
    /// Of the scoring of a model without a server; negative: unknown.
    double fraction() const { return fraction_; }
    double secondsLeft() const;
    /// Whose answer both are scored along.
    bool followsReference() const { return followsReference_; }
    const QList<ScoredToken>& referenceAnswer() const { return reference_.answer; }
    const QList<ScoredToken>& subjectAnswer() const { return subject_.answer; }
    /// Along the answer that is followed: what the reference and the subject think of its tokens.
    const QList<ScoredToken>& referenceAlong() const;
    const QList<ScoredToken>& subjectAlong() const;
    /// Of each place that both have been scored at, nats, at least.
    const QList<double>& divergences() const { return divergences_; }

Q_SIGNALS:
    void changed();
    void failed(const QString& sentence);

private:
    struct Side {
        CompareSide what;
        ChatClient client;
        QList<ScoredToken> answer;
        QList<ScoredToken> along; ///< of the other's answer
        bool hasAnswered = false;
    };

    void connectSide(Side& side);
    void measure();
    void takeEnd(Side& side);
    void scoreAlong();
    void scoreByPass(const Side& side, const QList<int>& tokens);
    void takePassOutput();
    void readScores(const QByteArray& line);
    void takePassEnd(int code);
    /// It ended with this exit code, and all that it said was read.
    void endPass(int code);
    void fail(const QString& sentence);
    void setStage(Stage stage);

    QString worker_;
    ChatRequest question_;
    Side reference_;
    Side subject_;
    Stage stage_ = Stage::Idle;
    bool followsReference_ = true;
    QList<double> divergences_; ///< each is worked out once
    double fraction_ = -1;
    QElapsedTimer clock_; ///< since the scoring began
    QPointer<QProcess> pass_;
    QByteArray passOutput_;
    quint64 passes_ = 0;     ///< that were begun or stopped
    bool isReading_ = false; ///< scores of the pass, on another thread
    std::optional<int> passCode_;
};

} // namespace caldera::studio
