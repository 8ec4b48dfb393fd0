// From a port of this machine's loopback to what a job elsewhere serves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include <QByteArray>
#include <QString>

#include "core/job/job_folder.h"
#include "widgets/remote/remote_launch.h"

namespace caldera::studio {

/// A worker that serves listens on the loopback of the machine it runs on. That is the host that we
/// are logged in to, or on a cluster a node behind it: then a second connection goes to the node
/// through the first one.
class ServeTunnel {
public:
    /// Hears where the server is reached from here and what it wants as bearer token, again after
    /// each new connection.
    using Reached = std::function<void(int port, const QByteArray& token)>;

    ServeTunnel(const JobFolder& folder, Reached reached);
    ~ServeTunnel();

    /// There is a new connection: what led there before is gone.
    void reset();
    /// Opens the tunnel once the job's events say what it serves; cheap when they say nothing new.
    /// Throws ConnectionError, Error("remote.serve-token", "remote.node"), Cancelled.
    void open(const RemotePlace& place, const std::stop_token& stop);

private:
    const SshSession& sessionTo(const QString& machine, const RemotePlace& place,
                                const std::stop_token& stop);

    const JobFolder& folder_;
    Reached reached_;
    int port_ = 0;           ///< here
    int64_t eventBytes_ = 0; ///< when they were last searched for a server
    int served_ = 0;         ///< port there to which the tunnel of this connection leads
    std::unique_ptr<SshSession> node_;
};

/// A connection to a machine behind a host that we are logged in to; its key is the one that it
/// shows to that host. `port` 0: 22. Throws ConnectionError, Error("remote.node", "remote.login"),
/// Cancelled.
std::unique_ptr<SshSession> connectBehind(const SshSession& login, const SshEndpoint& loginEndpoint,
                                          const QString& machine, int port,
                                          const std::stop_token& stop);

} // namespace caldera::studio
