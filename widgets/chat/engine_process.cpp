#include "widgets/chat/engine_process.h"

#include <array>
#include <csignal>

#include <QFutureWatcher>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRandomGenerator>
#include <QTimer>
#include <QtConcurrent>

#include "widgets/jobs/job_service.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qsizetype kMessagesKept = 16 << 10;
constexpr qsizetype kLineLimit = 1 << 20;
constexpr int kPatience = 3000; // ms an engine has to end by itself
constexpr int kFarewell = 400;  // ms the studio waits for it when it closes

/// The last line on stderr that says something, without the program's name before it.
QString lastWords(const QByteArray& messages) {
    QString line = QString::fromUtf8(messages).trimmed().section(u'\n', -1).trimmed();
    const auto prefix = "caldera: "_L1;
    if (line.startsWith(prefix))
        line = line.mid(prefix.size()).trimmed();
    return line;
}

/// 256 bits from the system's random source, in hexadecimal digits.
QByteArray randomToken() {
    std::array<quint32, 8> words{};
    QRandomGenerator::system()->fillRange(words.data(), words.size());
    return QByteArray(reinterpret_cast<const char*>(words.data()), sizeof(words)).toHex();
}

} // namespace

EngineProcess::EngineProcess(QString worker, QObject* parent)
    : QObject(parent), worker_(std::move(worker)) {}

EngineProcess::~EngineProcess() {
    if (!process_)
        return;
    process_->disconnect(this);
    process_->closeWriteChannel();
    if (process_->state() != QProcess::NotRunning && !process_->waitForFinished(kFarewell))
        process_->kill();
}

void EngineProcess::start(const QString& artifact, const EngineChoices& choices) {
    release();
    choices_ = choices;
    doesNotFit_ = false;
    artifact_ = artifact;
    server_.clear();
    stage_.clear();
    fraction_ = -1;
    error_.clear();
    output_.clear();
    messages_.clear();
    const quint64 attempt = ++attempt_;
    setState(State::Starting);
    // Looking for the program reads the disk.
    QtConcurrent::run([worker = worker_] {
        return worker.isEmpty() ? JobService::findWorker() : worker;
    }).then(this, [this, attempt](const QString& program) {
        whenGone(this, [this, attempt, program] { // two at once may not fit
            if (attempt == attempt_)
                launch(program);
        });
    });
}

void EngineProcess::launch(const QString& program) {
    if (program.isEmpty()) {
        fail(tr("The program \"caldera\" was not found beside the studio or on PATH. Install it, "
                "or name it in the environment variable CALDERA_WORKER."));
        return;
    }
    process_ = new QProcess(this);
    connect(process_, &QProcess::readyReadStandardOutput, this, &EngineProcess::readOutput);
    connect(process_, &QProcess::readyReadStandardError, this, &EngineProcess::readMessages);
    connect(process_, &QProcess::finished, this, &EngineProcess::takeEnd);
    connect(process_, &QProcess::errorOccurred, this, [this, program](QProcess::ProcessError what) {
        if (what == QProcess::FailedToStart)
            fail(tr("The engine %1 could not be started: %2. Name another one in the environment "
                    "variable CALDERA_WORKER.")
                     .arg(program, process_->errorString()));
    });
    token_ = randomToken();
    QStringList arguments{
        u"serve"_s, artifact_, u"--port"_s, u"0"_s, u"--exit-with-parent"_s, u"--token-stdin"_s};
    if (choices_.forces)
        arguments.append(u"--force"_s);
    if (!choices_.device.isEmpty())
        arguments += {u"--device"_s, choices_.device};
    process_->start(program, arguments);
    process_->write(token_ + '\n'); // not as an argument: every user can list those
}

void EngineProcess::stop() {
    ++attempt_;
    release();
    artifact_.clear();
    server_.clear();
    setState(State::Stopped);
}

void EngineProcess::whenGone(QObject* context, const std::function<void()>& then) {
    if (leaving_ && leaving_->state() != QProcess::NotRunning) {
        connect(leaving_, &QProcess::finished, context, then);
    } else {
        then();
    }
}

void EngineProcess::release() {
    if (!process_)
        return;
    QProcess* old = process_;
    process_.clear();
    old->disconnect(this);
    if (old->state() == QProcess::NotRunning) {
        old->deleteLater();
        return;
    }
    connect(old, &QProcess::finished, old, &QObject::deleteLater);
    leaving_ = old;
    old->closeWriteChannel();
    old->terminate();
    QTimer::singleShot(kPatience, old, &QProcess::kill);
}

void EngineProcess::readOutput() {
    output_.append(process_->readAllStandardOutput());
    for (qsizetype end = output_.indexOf('\n'); end >= 0; end = output_.indexOf('\n')) {
        const QByteArray line = output_.left(end);
        output_.remove(0, end + 1);
        takeLine(line);
    }
    if (output_.size() > kLineLimit)
        output_.clear();
}

void EngineProcess::readMessages() {
    messages_.append(process_->readAllStandardError());
    if (messages_.size() > kMessagesKept)
        messages_ = messages_.right(kMessagesKept);
}

void EngineProcess::takeLine(const QByteArray& line) {
    const QJsonObject event = QJsonDocument::fromJson(line).object();
    const int port = event["port"_L1].toInt();
    if (state_ == State::Starting && port > 0) {
        const QString host = event["host"_L1].toString(u"127.0.0.1"_s);
        server_.setScheme(u"http"_s);
        server_.setHost(host);
        server_.setPort(port);
        setState(State::Ready);
    } else if (event["event"_L1].toString() == "stage"_L1) {
        stage_ = event["stage"_L1].toString();
        fraction_ = -1;
        Q_EMIT changed();
    } else if (event["event"_L1].toString() == "progress"_L1) {
        const double total = event["total"_L1].toDouble();
        fraction_ = total > 0 ? qBound(0.0, event["done"_L1].toDouble() / total, 1.0) : -1;
        Q_EMIT changed();
    }
}

void EngineProcess::takeEnd(int exitCode, QProcess::ExitStatus how) {
    readMessages();
    const QString words = lastWords(messages_);
    if (how == QProcess::CrashExit && exitCode == SIGKILL)
        fail(tr("The engine was ended by the system, most likely because memory ran out. Close "
                "other programs or open a smaller artifact, then start it again."));
    else if (how == QProcess::CrashExit)
        fail(tr("The engine crashed (signal %1). Start it again; its last message was \"%2\".")
                 .arg(exitCode)
                 .arg(words));
    else if (words.isEmpty())
        fail(
            tr("The engine ended with code %1 and left no message. Start it again.").arg(exitCode));
    else
        refuse(words);
}

/// The option that a terminal would be told of is a button here.
void EngineProcess::refuse(QString words) {
    constexpr auto kOption = " --force begins all the same."_L1;
    doesNotFit_ = words.endsWith(kOption);
    if (doesNotFit_)
        words.chop(kOption.size());
    fail(words);
}

void EngineProcess::fail(const QString& sentence) {
    if (process_) {
        process_->disconnect(this);
        process_->deleteLater();
        process_.clear();
    }
    error_ = sentence;
    server_.clear();
    setState(State::Failed);
}

void EngineProcess::setState(State state) {
    state_ = state;
    Q_EMIT changed();
}

} // namespace caldera::studio
