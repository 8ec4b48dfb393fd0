// Where an SSH server is and how it is reached; a value, without any secret.
#pragma once

#include <QString>
#include <QStringList>

namespace caldera::studio {

struct SshEndpoint {
    /// A name, an address, or an alias of the user's ~/.ssh/config.
    QString host;
    int port = 0;          ///< 0: what ~/.ssh/config says, else 22
    QString user;          ///< empty: what ~/.ssh/config says, else the user of this machine
    QString identityFile;  ///< a private key; empty: agent, ~/.ssh/config and the usual keys
    QStringList jumpHosts; ///< each [user@]host[:port], in the order in which they are passed
    /// The server's public keys as lines of "TYPE BASE64", confirmed by the user or told by the
    /// provider. Empty: not yet known, so nobody logs in.
    QStringList hostKeys;
    /// A command whose input and output are the connection, made by us for one session and never
    /// saved; empty: the usual ways.
    QString proxyCommand = {};

    bool operator==(const SshEndpoint&) const = default;
};

} // namespace caldera::studio
