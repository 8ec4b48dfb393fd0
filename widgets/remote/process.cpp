#include "widgets/remote/process.h"

#include <algorithm>
#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>

#include <QProcess>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "core/base/printable.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kLookEvery = 50; // ms
constexpr int kEndPatience = 2000;
constexpr size_t kLongestLine = 300;
constexpr qsizetype kMostOutput = 64 << 20; // bytes; a large model's list of hashes has a few

} // namespace

std::unique_ptr<QProcess> startProcess(const ProcessCall& call) {
    auto process = std::make_unique<QProcess>();
    process->setProgram(call.program);
    process->setArguments(call.arguments);
    process->setProcessEnvironment(call.environment);
    const pid_t parent = ::getpid();
    process->setChildProcessModifier([parent] {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) {
            ::_exit(127); // the studio ended before the line above
        }
        ::setsid(); // no terminal that ssh could ask for a password, or take its interrupt from
    });
    process->start();
    if (!process->waitForStarted()) {
        throw Error("remote.program",
                    u"The program %1 could not be started: %2. Install it (Debian: apt install "
                    "openssh-client rsync)."_s.arg(call.program, process->errorString())
                        .toStdString(),
                    {{"program", call.program.toStdString()}});
    }
    return process;
}

void endProcess(QProcess& process) {
    if (process.state() == QProcess::NotRunning) {
        return;
    }
    process.terminate();
    if (!process.waitForFinished(kEndPatience)) {
        process.kill();
        process.waitForFinished(kEndPatience);
    }
}

int awaitProcess(QProcess& process, int every, const std::stop_token& stop,
                 const std::function<void()>& look) {
    while (!process.waitForFinished(every) && process.state() != QProcess::NotRunning) {
        try {
            checkCancelled(stop);
            look();
        } catch (...) {
            endProcess(process);
            throw;
        }
    }
    return process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1;
}

ProcessResult runProcess(const ProcessCall& call, const std::stop_token& stop) {
    const std::unique_ptr<QProcess> process = startProcess(call);
    process->write(call.input);
    process->closeWriteChannel();
    const auto end = std::chrono::steady_clock::now() + call.limit;
    ProcessResult result;
    const auto take = [&] {
        result.out += process->readAllStandardOutput();
        result.err += process->readAllStandardError();
        if (std::max(result.out.size(), result.err.size()) > kMostOutput) {
            throw Error("remote.output", u"%1 printed more than %2 MiB, which no answer needs. A "
                                         "login there may print without end."_s.arg(call.program)
                                             .arg(kMostOutput >> 20)
                                             .toStdString());
        }
    };
    result.exitCode = awaitProcess(*process, kLookEvery, stop, [&] {
        take();
        if (std::chrono::steady_clock::now() > end) {
            throw Error("remote.timeout", u"%1 did not end within %2 s."_s.arg(call.program)
                                              .arg(call.limit.count() / 1000)
                                              .toStdString());
        }
    });
    take();
    return result;
}

QString lastLine(const QByteArray& text) {
    const QByteArray trimmed = text.trimmed();
    const QByteArray line = trimmed.mid(trimmed.lastIndexOf('\n') + 1).trimmed();
    return QString::fromStdString(printable(line.toStdString(), kLongestLine));
}

} // namespace caldera::studio
