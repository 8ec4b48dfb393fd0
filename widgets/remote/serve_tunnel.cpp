#include "widgets/remote/serve_tunnel.h"

#include <filesystem>

#include "core/job/event.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int64_t kHighestPort = 65535;

/// What the last worker of the job told.
struct Served {
    int port = 0;    ///< 0 while it serves nothing yet
    QString machine; ///< empty where an older worker does not say
};

Served servedBy(const JobFolder& folder) {
    Served served;
    if (folder.spec().kind != "serve") {
        return served;
    }
    for (const Event& event : EventReader(folder.events()).poll()) {
        if (event.kind == "hello") {
            served = {0, QString::fromStdString(event.text("machine"))};
        } else if (event.kind == "log") {
            const int64_t port = event.number("port");
            served.port = port > 0 && port <= kHighestPort ? static_cast<int>(port) : served.port;
        }
    }
    return served;
}

} // namespace

ServeTunnel::ServeTunnel(const JobFolder& folder, Reached reached)
    : folder_(folder), reached_(std::move(reached)) {}

ServeTunnel::~ServeTunnel() = default;

void ServeTunnel::reset() {
    node_.reset();
    eventBytes_ = 0;
    served_ = 0;
}

void ServeTunnel::open(const RemotePlace& place, const std::stop_token& stop) {
    if (node_ && !node_->isConnected()) {
        reset();
    }
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(folder_.events(), error));
    if (!reached_ || error || size == eventBytes_) {
        return;
    }
    eventBytes_ = size;
    const Served served = servedBy(folder_);
    if (served.port == 0 || served.port == served_) {
        return;
    }
    const QByteArray token = place.session
                                 .require("cat "_L1 + shellWord(place.folder + "/access-token"_L1),
                                          "remote.serve-token", stop)
                                 .trimmed();
    const SshSession& session = sessionTo(served.machine, place, stop);
    port_ = session.forward(u"127.0.0.1"_s, served.port, stop, port_);
    served_ = served.port;
    reached_(port_, token);
}

/// Only a scheduler puts a worker on another machine.
const SshSession& ServeTunnel::sessionTo(const QString& machine, const RemotePlace& place,
                                         const std::stop_token& stop) {
    if (place.target.kind != TargetKind::Slurm || machine.isEmpty()) {
        return place.session;
    }
    const QByteArray login = place.session.require(u"uname -n"_s, "remote.node", stop).trimmed();
    if (machine == QString::fromUtf8(login)) {
        return place.session;
    }
    node_ = connectBehind(place.session, place.target.ssh, machine, place.target.slurm.nodeSshPort,
                          stop);
    return *node_;
}

std::unique_ptr<SshSession> connectBehind(const SshSession& login, const SshEndpoint& loginEndpoint,
                                          const QString& machine, int port,
                                          const std::stop_token& stop) {
    SshEndpoint node = loginEndpoint;
    node.host = machine;
    node.port = port;
    node.jumpHosts.clear();
    node.proxyCommand = login.proxyCommand();
    checkEndpoint(node); // the name comes from a file of the host
    const QString option = port > 0 ? u"-p %1 "_s.arg(port) : QString();
    const QByteArray shown = login.require("ssh-keyscan -T 10 "_L1 + option + "-- "_L1 +
                                               shellWord(machine) + " 2>/dev/null"_L1,
                                           "remote.node", stop);
    node.hostKeys.clear();
    for (const QByteArray& line : shown.split('\n')) { // "NAME TYPE KEY"
        const QStringList words = QString::fromUtf8(line).simplified().split(u' ');
        if (words.size() == 3 && !words[0].startsWith(u'#')) {
            node.hostKeys.append(words[1] + u' ' + words[2]);
        }
    }
    if (node.hostKeys.isEmpty()) {
        throw Error("remote.node",
                    "The chat's server runs on " + machine.toStdString() +
                        ", and SSH does not answer there. Ask the cluster's administrators "
                        "whether a job's owner may log in to its node.",
                    {{"node", machine.toStdString()}});
    }
    auto session = std::make_unique<SshSession>(node);
    session->connect(nullptr, stop);
    return session;
}

} // namespace caldera::studio
