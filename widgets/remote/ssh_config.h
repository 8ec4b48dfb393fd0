// The configuration file that our ssh and rsync processes run with.
#pragma once

#include <QByteArray>
#include <QString>

#include "widgets/remote/ssh_endpoint.h"

namespace caldera::studio {

/// Where a session keeps its files; short, because a socket's path has at most 107 bytes.
struct SshFiles {
    QString config;
    QString knownHosts;
    QString control; ///< socket of the one connection that all commands share
};

/// Throws Error("remote.endpoint") naming the part that could not stand in the file.
void checkEndpoint(const SshEndpoint& endpoint);

/// The word that ssh is called with instead of the host.
QString sshAlias(const SshEndpoint& endpoint);

/// For `ssh -F`: what we set for this host wins, then come the user's and the system's own files.
QByteArray sshConfig(const SshEndpoint& endpoint, const SshFiles& files);
/// The host's pinned keys under the name that the configuration looks them up by.
QByteArray knownHosts(const SshEndpoint& endpoint);

} // namespace caldera::studio
