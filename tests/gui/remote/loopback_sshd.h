// A real sshd on the loopback for tests, with keys of its own.
#pragma once

#include <memory>

#include <QByteArrayList>
#include <QList>
#include <QProcess>
#include <QString>
#include <QTemporaryDir>

#include "widgets/remote/target.h"

namespace caldera::studio {

/// Skips nothing: where sshd is missing the test fails and says what to install.
class LoopbackSshd {
public:
    /// `variables` ("NAME=VALUE", without spaces) are set for everything that logs in.
    explicit LoopbackSshd(QByteArrayList variables = {},
                          QString address = QStringLiteral("127.0.0.1"));
    ~LoopbackSshd();
    LoopbackSshd(const LoopbackSshd&) = delete;
    LoopbackSshd& operator=(const LoopbackSshd&) = delete;

    void start();
    /// Ends the server and all its sessions at once, as a network that goes away.
    void stop();
    /// Ends the sessions; the server goes on.
    void dropSessions();
    /// Lets in whom the other one lets in, from the next login on.
    void letInAs(const LoopbackSshd& other) const;
    /// Shows another host key from the next start on.
    void changeHostKey();

    /// Confirmed and ready to log in; its jobs lie in `folder()`/jobs.
    Target target() const;
    QString folder() const { return folder_.path(); }
    /// A key that is let in too, and opens with the passphrase "open sesame".
    QString lockedKey() const { return folder_.filePath(QStringLiteral("locked")); }
    QString hostKey() const;
    int port() const { return port_; }
    qint64 processId() const { return server_->processId(); }

private:
    void makeKey(const QString& name, const QString& passphrase) const;

    QByteArrayList variables_;
    QString address_;
    QTemporaryDir folder_;
    int port_ = 0;
    std::unique_ptr<QProcess> server_;
};

/// The processes whose parent is `parent`.
QList<qint64> childrenOf(qint64 parent);
/// Processes whose command line holds every one of these words.
QList<qint64> processesWith(const QByteArrayList& words);

} // namespace caldera::studio
