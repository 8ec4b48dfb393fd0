// The open connections of a server: each has a token that stops when its client goes away.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

namespace caldera {

/// Watches sockets from a thread of its own, without asking in intervals.
class Connections {
public:
    Connections();
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    /// One socket, watched while this lives. The socket stays the caller's to close, afterwards.
    class Entry {
    public:
        Entry(Connections& connections, int socket);
        ~Entry();
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        int socket() const { return socket_; }
        /// Stops when the client has closed its side, or closeAll() was called.
        std::stop_token token() const { return gone_.get_token(); }

    private:
        friend class Connections;
        Connections& connections_;
        int socket_;
        uint64_t id_;
        std::stop_source gone_;
    };

    /// Ends all conversations, now and to come.
    void closeAll();

private:
    void watch();
    void wake() const;

    std::mutex mutex_;
    std::map<uint64_t, Entry*> entries_;
    uint64_t nextId_ = 0;
    bool closed_ = false;
    bool ending_ = false;
    int wakeUp_ = -1; ///< an eventfd: the entries have changed
    std::thread watcher_;
};

} // namespace caldera
