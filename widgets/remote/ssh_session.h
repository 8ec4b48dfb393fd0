// One login at a host: a connection that all our commands and transfers share.
#pragma once

#include <memory>
#include <stop_token>

#include <QByteArray>
#include <QString>
#include <QStringList>
#include <QTemporaryDir>

#include "core/base/error.h"
#include "widgets/remote/process.h"
#include "widgets/remote/ssh_config.h"

namespace caldera::studio {

class Askpass;

/// The host cannot be reached, or the connection broke: it may work again by itself.
class ConnectionError : public Error {
public:
    explicit ConnectionError(const std::string& sentence) : Error("remote.connection", sentence) {}
};

/// Blocks, so it lives on a thread that may wait. After connect() its const functions may be called
/// from several threads. The connection closes with the object, and with the studio.
class SshSession {
public:
    /// Throws Error("remote.endpoint", "remote.host-key-unknown").
    explicit SshSession(const SshEndpoint& endpoint);
    ~SshSession();
    SshSession(const SshSession&) = delete;
    SshSession& operator=(const SshSession&) = delete;

    /// Logs in with the agent and keys; when these do not suffice and `askpass` is given, with what
    /// a person answers. Throws ConnectionError, Error("remote.login", "remote.host-key-changed",
    /// "remote.noise"), Cancelled.
    void connect(Askpass* askpass, const std::stop_token& stop);
    /// Whether the connection's process still runs.
    bool isConnected() const;

    /// Runs a command of the POSIX shell there. Throws ConnectionError when the connection fails;
    /// a command that fails has an exit code.
    ProcessResult run(const QString& command, const std::stop_token& stop,
                      const QByteArray& input = {},
                      std::chrono::milliseconds limit = std::chrono::minutes(1)) const;
    /// As run(), and throws Error(code) with the command's last words when it fails.
    QByteArray require(const QString& command, const char* code, const std::stop_token& stop,
                       const QByteArray& input = {}) const;
    /// What run() would start, for commands that go on; the caller starts and reads it.
    ProcessCall command(const QString& command) const;
    /// rsync through this connection: from `there` on the host to `here`. Both end in '/' to name
    /// what is inside a folder.
    ProcessCall fetchCall(const QString& there, const QString& here,
                          const QStringList& options) const;
    ProcessCall sendCall(const QString& here, const QString& there) const;
    /// Lets a port of this machine's loopback lead to one of `host` as seen from there: `wanted`
    /// if it is free. Throws ConnectionError. Returns the port.
    int forward(const QString& host, int port, const std::stop_token& stop, int wanted = 0) const;

    /// For SshEndpoint::proxyCommand of a machine behind the host: leads there through this
    /// connection, as long as it lives.
    QString proxyCommand() const;

private:
    QStringList sharedArguments() const;
    bool tryConnect(Askpass* askpass, const std::stop_token& stop);
    void throwRefusal(const QByteArray& words) const;
    void refuseNoise(const std::stop_token& stop) const;
    ProcessCall rsyncCall(const QStringList& options, const QString& from, const QString& to) const;

    SshEndpoint endpoint_;
    QTemporaryDir folder_;
    SshFiles files_;
    std::unique_ptr<QProcess> master_;
};

/// One word of a POSIX shell's command, whatever it holds.
QString shellWord(const QString& text);
/// A command that lists /proc/PID/cmdline of the processes that were started with this word.
QString processSearch(const QString& word);

} // namespace caldera::studio
