// The engine of the open artifact: `caldera serve` as a child that ends with the studio.
#pragma once

#include <QObject>
#include <QPointer>
#include <QProcess>
#include <QUrl>

#include <functional>

namespace caldera::studio {

/// How an engine is started.
struct EngineChoices {
    bool forces = false; ///< even where it does not seem to fit the machine
    QString device{};    ///< cpu or cuda; empty: a GPU where there is one
};

/// Starts and stops the engine without waiting for it. The child watches its stdin: when the studio
/// goes, however it goes, the pipe closes and the engine ends.
class EngineProcess : public QObject {
    Q_OBJECT
public:
    enum class State { Stopped, Starting, Ready, Failed };

    /// `worker`: path of the `caldera` program; empty: JobService::findWorker().
    explicit EngineProcess(QString worker = {}, QObject* parent = nullptr);
    ~EngineProcess() override;

    /// Serves this artifact; another one is stopped first.
    void start(const QString& artifact, const EngineChoices& choices = {});
    void stop();
    /// Calls `then` once nothing that was stopped holds memory any more.
    void whenGone(QObject* context, const std::function<void()>& then);

    State state() const { return state_; }
    /// Folder of the artifact; empty when stopped.
    const QString& artifact() const { return artifact_; }
    /// Where it was told to compute; empty: it chose.
    const QString& device() const { return choices_.device; }
    /// Of the child; 0 when there is none.
    qint64 processId() const { return process_ ? process_->processId() : 0; }
    /// Where it listens; valid when ready.
    const QUrl& server() const { return server_; }
    /// What every request to it must bear; another one at each start.
    const QByteArray& token() const { return token_; }
    /// What it does while starting, and how far it is (negative: unknown).
    const QString& stage() const { return stage_; }
    double fraction() const { return fraction_; }
    /// The sentence of a failure.
    const QString& error() const { return error_; }
    /// Whether it failed because it does not seem to fit the machine.
    bool doesNotFit() const { return doesNotFit_; }
    /// The last of what it wrote on stderr.
    QString messages() const { return QString::fromUtf8(messages_); }

Q_SIGNALS:
    void changed();

private:
    void launch(const QString& program);
    void readOutput();
    void readMessages();
    void takeLine(const QByteArray& line);
    void takeEnd(int exitCode, QProcess::ExitStatus how);
    void refuse(QString words);
    void fail(const QString& sentence);
    void release();
    void setState(State state);

    QString worker_;
    QPointer<QProcess> process_;
    QPointer<QProcess> leaving_; ///< that was stopped last, until it has ended
    State state_ = State::Stopped;
    QString artifact_;
    QUrl server_;
    QByteArray token_;
    QString stage_;
    double fraction_ = -1;
    QString error_;
    bool doesNotFit_ = false;
    EngineChoices choices_;
    QByteArray output_;
    QByteArray messages_;
    quint64 attempt_ = 0;
};

} // namespace caldera::studio
