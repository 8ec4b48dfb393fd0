// Programs that are run and waited for, on a thread that may wait.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

#include <QByteArray>
#include <QProcessEnvironment>
#include <QString>
#include <QStringList>

class QProcess;

namespace caldera::studio {

struct ProcessCall {
    QString program;
    QStringList arguments;
    QByteArray input;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    std::chrono::milliseconds limit{60'000};
};

struct ProcessResult {
    int exitCode = -1; ///< -1: it was ended by a signal
    QByteArray out;
    QByteArray err;
};

/// A process that dies with the thread that starts it, so nothing is left behind when the studio
/// is killed. Throws Error("remote.program") when it cannot be started.
std::unique_ptr<QProcess> startProcess(const ProcessCall& call);

/// Ends it politely, then at once.
void endProcess(QProcess& process);

/// Waits for its end and looks every so many ms. Returns its exit code, -1 where it crashed. Throws
/// Cancelled on `stop`; then, and when `look` throws, it is ended.
int awaitProcess(QProcess& process, int every, const std::stop_token& stop,
                 const std::function<void()>& look);

/// Runs a program to its end. Throws Cancelled on `stop`, Error("remote.timeout") after the limit,
/// Error("remote.output") when it prints without end.
ProcessResult runProcess(const ProcessCall& call, const std::stop_token& stop);

/// The last line of what a program said, for sentences; never more than 300 characters.
QString lastLine(const QByteArray& text);

} // namespace caldera::studio
