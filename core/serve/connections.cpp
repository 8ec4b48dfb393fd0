#include "core/serve/connections.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/base/error.h"

namespace caldera {

Connections::Connections() : wakeUp_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wakeUp_ < 0) {
        throw Error("serve.system", "The system gives no more file descriptors; close some "
                                    "programs, or raise the limit (ulimit -n).");
    }
    watcher_ = std::thread([this] { watch(); });
}

Connections::~Connections() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake();
    watcher_.join();
    ::close(wakeUp_);
}

Connections::Entry::Entry(Connections& connections, int socket)
    : connections_(connections), socket_(socket) {
    const std::lock_guard lock(connections_.mutex_);
    id_ = connections_.nextId_++;
    connections_.entries_[id_] = this;
    if (connections_.closed_) {
        ::shutdown(socket_, SHUT_RDWR);
        gone_.request_stop();
    }
    connections_.wake();
}

Connections::Entry::~Entry() {
    const std::lock_guard lock(connections_.mutex_);
    connections_.entries_.erase(id_);
    connections_.wake(); // as long as the watcher polls the socket, closing it does not end it
}

void Connections::closeAll() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [id, entry] : entries_) {
        ::shutdown(entry->socket_, SHUT_RDWR);
        entry->gone_.request_stop();
    }
}

void Connections::wake() const {
    ::eventfd_write(wakeUp_, 1);
}

void Connections::watch() {
    std::vector<pollfd> sockets;
    std::vector<uint64_t> ids;
    for (;;) {
        sockets.assign(1, {wakeUp_, POLLIN, 0});
        ids.assign(1, 0);
        {
            const std::lock_guard lock(mutex_);
            if (ending_) {
                return;
            }
            for (const auto& [id, entry] : entries_) {
                if (!entry->gone_.stop_requested()) {
                    sockets.push_back({entry->socket_, POLLRDHUP, 0});
                    ids.push_back(id);
                }
            }
        }
        if (::poll(sockets.data(), sockets.size(), -1) < 0 && errno != EINTR) {
            return;
        }
        eventfd_t ignored = 0;
        ::eventfd_read(wakeUp_, &ignored);
        const std::lock_guard lock(mutex_);
        for (size_t i = 1; i < sockets.size(); ++i) {
            // By number, not by socket: the system may have given the socket to someone else.
            const auto found = entries_.find(ids[i]);
            if (sockets[i].revents != 0 && found != entries_.end()) {
                found->second->gone_.request_stop();
            }
        }
    }
}

} // namespace caldera
