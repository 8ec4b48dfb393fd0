// A folder on a host for as long as a question takes.
#pragma once

#include <stop_token>

#include <QString>

namespace caldera::studio {

class SshSession;

/// Goes away with this object, where the connection is still there.
class FolderThere {
public:
    /// Below `root`, which is absolute and made when missing. Throws as SshSession::require.
    FolderThere(const SshSession& session, const QString& root, const std::stop_token& stop);
    ~FolderThere();
    FolderThere(const FolderThere&) = delete;
    FolderThere& operator=(const FolderThere&) = delete;
    const QString& path() const { return path_; }

private:
    const SshSession& session_;
    QString path_;
};

} // namespace caldera::studio
