#include "widgets/remote/ssh_session.h"

#include <csignal>

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QTcpServer>

#include "core/base/file.h"
#include "widgets/remote/askpass.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kConnectionFailed = 255; // exit code of ssh for its own failures
constexpr int kLookEvery = 50;         // ms
constexpr auto kForwardLimit = std::chrono::seconds(20);

/// A folder whose name is short enough for a socket inside.
QString folderTemplate() {
    const QString runtime = qEnvironmentVariable("XDG_RUNTIME_DIR");
    constexpr qsizetype kLongest = 60;
    const bool isUsable =
        !runtime.isEmpty() && runtime.size() < kLongest && QFileInfo(runtime).isWritable();
    return (isUsable ? runtime : u"/tmp"_s) + "/caldera-XXXXXX"_L1;
}

/// A machine that goes down ends everything so; a fault of a program's own has another number.
bool wasEnded(int exitCode) {
    constexpr int kBySignal = 128; // as a shell tells it
    return exitCode == kBySignal + SIGHUP || exitCode == kBySignal + SIGKILL ||
           exitCode == kBySignal + SIGTERM;
}

void write(const QString& path, const QByteArray& text) {
    writeFileAtomically(path.toStdString(), text.toStdString());
}

/// A port of the loopback that nobody uses now.
quint16 freePort() {
    QTcpServer server;
    server.listen(QHostAddress::LocalHost);
    return server.serverPort();
}

} // namespace

QString shellWord(const QString& text) {
    QString quoted = text;
    quoted.replace(u'\'', "'\\''"_L1);
    return u'\'' + quoted + u'\'';
}

QString processSearch(const QString& word) {
    // The brackets keep grep from finding itself.
    return u"grep -lzx -e %1 /proc/[0-9]*/cmdline 2>/dev/null"_s.arg(
        shellWord(u'[' + word.first(1) + u']' + word.sliced(1)));
}

SshSession::SshSession(const SshEndpoint& endpoint)
    : endpoint_(endpoint), folder_(folderTemplate()) {
    checkEndpoint(endpoint_);
    if (endpoint_.hostKeys.isEmpty()) {
        throw Error("remote.host-key-unknown",
                    "The key of " + endpoint_.host.toStdString() +
                        " is not confirmed yet, so nobody logs in there. Test the target and "
                        "compare its fingerprint.",
                    {{"host", endpoint_.host.toStdString()}});
    }
    if (!folder_.isValid()) {
        throw Error("remote.folder", u"Cannot create a folder for the connection in %1: %2."_s
                                         .arg(folderTemplate(), folder_.errorString())
                                         .toStdString());
    }
    files_ = {folder_.filePath(u"config"_s), folder_.filePath(u"known_hosts"_s),
              folder_.filePath(u"c"_s)};
    write(files_.config, sshConfig(endpoint_, files_));
    write(files_.knownHosts, knownHosts(endpoint_));
}

SshSession::~SshSession() {
    if (master_) {
        endProcess(*master_);
    }
}

void SshSession::connect(Askpass* askpass, const std::stop_token& stop) {
    if (!tryConnect(nullptr, stop) && (askpass == nullptr || !tryConnect(askpass, stop))) {
        throw Error("remote.login",
                    endpoint_.host.toStdString() +
                        " does not let us in: no key of the agent or of ~/.ssh suffices" +
                        (askpass != nullptr ? ", nor what was answered" : "") +
                        ". Add the public key there (ssh-copy-id), or test the target and answer "
                        "its question.",
                    {{"host", endpoint_.host.toStdString()}});
    }
    refuseNoise(stop);
}

/// What a login prints would get into every answer and transfer.
void SshSession::refuseNoise(const std::stop_token& stop) const {
    const QByteArray noise = run(u":"_s, stop).out;
    if (!noise.isEmpty()) {
        throw Error("remote.noise",
                    "The login on " + endpoint_.host.toStdString() + " prints \"" +
                        lastLine(noise).toStdString() +
                        "\" before anything else, which would get into every answer. Let its "
                        "~/.bashrc, or the like, print for people only: begin it with "
                        "case $- in *i*) ;; *) return;; esac",
                    {{"host", endpoint_.host.toStdString()}});
    }
}

/// False when the login was refused.
bool SshSession::tryConnect(Askpass* askpass, const std::stop_token& stop) {
    QFile::remove(files_.control);
    ProcessCall call{u"ssh"_s,
                     {u"-F"_s, files_.config, u"-M"_s, u"-N"_s, u"-o"_s,
                      askpass != nullptr ? u"BatchMode=no"_s : u"BatchMode=yes"_s}};
    call.arguments.append(sshAlias(endpoint_));
    if (askpass != nullptr) {
        askpass->addTo(call.environment);
    }
    master_ = startProcess(call);
    master_->closeWriteChannel();
    while (!master_->waitForFinished(kLookEvery) && master_->state() != QProcess::NotRunning) {
        if (QFileInfo::exists(files_.control)) {
            return true;
        }
        if (stop.stop_requested()) {
            endProcess(*master_);
            throw Cancelled();
        }
    }
    const QByteArray words = master_->readAllStandardError();
    if (words.contains("Permission denied") || words.contains("Too many authentication")) {
        return false;
    }
    throwRefusal(words);
    return false;
}

void SshSession::throwRefusal(const QByteArray& words) const {
    const std::string host = endpoint_.host.toStdString();
    const bool isKey = words.contains("Host key verification failed");
    if (isKey && !words.contains("caldera-target")) {
        throw Error("remote.jump-key",
                    "The key of a host on the way to " + host +
                        " is not in ~/.ssh/known_hosts. Log in there once with ssh and compare "
                        "its fingerprint.",
                    {{"host", host}});
    }
    if (isKey) {
        throw Error("remote.host-key-changed",
                    host + " shows another key than the one that was confirmed. Somebody may sit "
                           "in between; nothing was sent. If the machine was set up anew, test the "
                           "target and confirm its new key.",
                    {{"host", host}});
    }
    const QString reason = lastLine(words);
    throw ConnectionError(host + " cannot be reached: " +
                          (reason.isEmpty() ? "the connection ended" : reason.toStdString()) + ".");
}

bool SshSession::isConnected() const {
    return master_ && QFileInfo::exists(files_.control);
}

/// They use the connection that is there and never make one of their own.
QStringList SshSession::sharedArguments() const {
    return {u"-F"_s, files_.config,          u"-o"_s, u"BatchMode=yes"_s,
            u"-o"_s, u"ControlMaster=no"_s,  u"-o"_s, u"ProxyJump=none"_s,
            u"-o"_s, u"ProxyCommand=false"_s};
}

ProcessCall SshSession::command(const QString& command) const {
    // Whatever shell the login has, the command is one of the POSIX shell. That one stays until it
    // ends: ssh tells a program that a signal ended from a broken connection no other way.
    return {u"ssh"_s, sharedArguments() +
                          QStringList{sshAlias(endpoint_),
                                      u"exec sh -c "_s + shellWord(command + "\nexit $?"_L1)}};
}

ProcessResult SshSession::run(const QString& text, const std::stop_token& stop,
                              const QByteArray& input, std::chrono::milliseconds limit) const {
    ProcessCall call = command(text);
    call.input = input;
    call.limit = limit;
    ProcessResult result;
    try {
        result = runProcess(call, stop);
    } catch (const Error& error) {
        if (error.code() == "remote.timeout") {
            throw ConnectionError(endpoint_.host.toStdString() + " does not answer.");
        }
        throw;
    }
    if (result.exitCode == kConnectionFailed || result.exitCode < 0 || wasEnded(result.exitCode)) {
        throw ConnectionError(
            "The connection to " + endpoint_.host.toStdString() + " broke" +
            (result.err.isEmpty() ? std::string(".") : ": " + lastLine(result.err).toStdString()));
    }
    return result;
}

QByteArray SshSession::require(const QString& text, const char* code, const std::stop_token& stop,
                               const QByteArray& input) const {
    const ProcessResult result = run(text, stop, input);
    if (result.exitCode != 0) {
        QString words = lastLine(result.err.isEmpty() ? result.out : result.err);
        if (words.startsWith("caldera: "_L1)) {
            words.remove(0, 9);
        }
        throw Error(code,
                    "On " + endpoint_.host.toStdString() + ": " +
                        (words.isEmpty() ? "a command ended with exit code " +
                                               std::to_string(result.exitCode) + "."
                                         : words.toStdString()),
                    {{"host", endpoint_.host.toStdString()}});
    }
    return result.out;
}

ProcessCall SshSession::rsyncCall(const QStringList& options, const QString& from,
                                  const QString& to) const {
    QStringList shell{u"ssh"_s};
    for (const QString& word : sharedArguments()) {
        shell.append(shellWord(word));
    }
    ProcessCall call{u"rsync"_s, options};
    call.arguments += {u"--secluded-args"_s, u"-e"_s, shell.join(u' '), u"--"_s, from, to};
    call.limit = std::chrono::hours(240); // its own --timeout notices a connection that is dead
    return call;
}

ProcessCall SshSession::fetchCall(const QString& there, const QString& here,
                                  const QStringList& options) const {
    const QStringList usual{u"-rt"_s, u"--partial-dir=.partial"_s, u"--timeout=60"_s,
                            u"--exclude=*.tmp-*"_s};
    return rsyncCall(usual + options, sshAlias(endpoint_) + u':' + there, here);
}

ProcessCall SshSession::sendCall(const QString& here, const QString& there) const {
    return rsyncCall({u"-rt"_s, u"--partial-dir=.partial"_s, u"--timeout=60"_s}, here,
                     sshAlias(endpoint_) + u':' + there);
}

QString SshSession::proxyCommand() const {
    QStringList words{u"ssh"_s};
    for (const QString& word : sharedArguments() + QStringList{u"-W"_s}) {
        words.append(shellWord(word));
    }
    return words.join(u' ') + " %h:%p "_L1 + shellWord(sshAlias(endpoint_));
}

int SshSession::forward(const QString& host, int port, const std::stop_token& stop,
                        int wanted) const {
    constexpr int kAttempts = 5; // somebody may take the port before ssh does
    ProcessResult result;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const int local = attempt == 0 && wanted > 0 ? wanted : freePort();
        ProcessCall call{u"ssh"_s, sharedArguments()};
        call.arguments +=
            {u"-O"_s, u"forward"_s, u"-L"_s, u"127.0.0.1:%1:%2:%3"_s.arg(local).arg(host).arg(port),
             sshAlias(endpoint_)};
        call.limit = kForwardLimit;
        result = runProcess(call, stop);
        if (result.exitCode == 0) {
            return local;
        }
    }
    throw ConnectionError("No tunnel to " + endpoint_.host.toStdString() +
                          " could be opened: " + lastLine(result.err).toStdString());
}

} // namespace caldera::studio
