// cpp-httplib behind one connection class of our own: every request knows when its client leaves,
// and a stop ends all connections at once. Included by core/serve/*.cpp only.
#pragma once

#include <httplib.h>

#include <atomic>
#include <functional>
#include <stop_token>
#include <string>

#include "core/serve/connections.h"

namespace caldera {

/// One request a connection. Handlers run on the server's own threads.
class HttpServer : public httplib::Server {
public:
    /// conversations: that may wait or be answered at once; there are some threads more, so that
    /// short requests are answered beside them.
    explicit HttpServer(int conversations);

    /// Of the connection that the calling handler serves: stops when the client goes away or the
    /// server ends.
    static std::stop_token currentClient();
    /// Of that connection, where its body has not been read yet.
    static httplib::Stream& currentStream();

    /// Connections wait from now on. Returns the port; 0 asks for any free one. Negative when the
    /// address cannot be had.
    int bind(const std::string& host, int port);
    /// Accepts connections until end() is called, which any thread may do at any time. The address
    /// is bound before.
    void listen();
    /// Ends every connection.
    void end();

    /// Called when a client spoke TLS to this plain port, on a thread of the server's. The client
    /// is told, as far as it understands.
    std::function<void()> onTls;

private:
    bool process_and_close_socket(socket_t socket) override;

    Connections connections_;
    enum class Phase { Bound, Listening, Over };
    std::atomic<Phase> phase_{Phase::Bound};
};

} // namespace caldera
