#include "core/serve/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "core/serve/http_answer.h"

namespace caldera {

namespace {

using Clock = std::chrono::steady_clock;

/// Threads that wait for clients who are slow to ask; idle ones cost an address range each.
constexpr size_t kSpareThreads = 64;
constexpr int kBacklog = 128;   // httplib's own, 5, lets clients that come together wait a second
constexpr int kPatience = 5000; // ms that a client may pause while it sends or should receive
constexpr int kFirstPatience = 2000; // ms until its first bytes come, and the rest of its headers
constexpr auto kRequestTime = std::chrono::seconds(30); // that a client may take to send all of it
constexpr size_t kMostRequestBytes = 16U << 20;         // a body of 8 MiB, its chunks, headers
constexpr auto kFarewell = std::chrono::seconds(1);
constexpr size_t kFarewellBytes = 16U << 20;
constexpr char kTlsHandshake = 0x16; // the first byte of such a record; no method begins with it

thread_local const Connections::Entry* currentEntry = nullptr;
thread_local httplib::Stream* currentBytes = nullptr;

bool waitFor(int socket, short events, int milliseconds) {
    pollfd ready{socket, events, 0};
    return ::poll(&ready, 1, milliseconds) > 0 && (ready.revents & events) != 0;
}

/// Bytes of a socket, read through a buffer because httplib asks for one at a time. A connection is
/// one request, so its bytes and its time have a limit; httplib alone would collect an endless
/// line, or give a thread for ever to a client that sends a byte now and then.
class SocketStream : public httplib::Stream {
public:
    explicit SocketStream(int socket) : socket_(socket) {}

    bool is_readable() const override {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now()).count();
        return position_ < filled_ ||
               (received_ < kMostRequestBytes &&
                waitFor(socket_, POLLIN,
                        static_cast<int>(
                            std::clamp<int64_t>(left, 0, hasHead_ ? kPatience : kFirstPatience))));
    }
    bool is_writable() const override { return waitFor(socket_, POLLOUT, kPatience); }

    ssize_t read(char* bytes, size_t size) override {
        if (position_ == filled_) {
            const ssize_t received =
                is_readable() ? ::recv(socket_, buffer_.data(), buffer_.size(), 0) : -1;
            if (received <= 0) {
                return received;
            }
            if (received_ == 0 && buffer_[0] == kTlsHandshake) {
                speaksTls_ = true;
                return -1;
            }
            position_ = 0;
            filled_ = static_cast<size_t>(received);
            received_ += filled_;
            lookForHead();
        }
        const size_t count = std::min(size, filled_ - position_);
        std::memcpy(bytes, buffer_.data() + position_, count);
        position_ += count;
        return static_cast<ssize_t>(count);
    }

    ssize_t write(const char* bytes, size_t size) override {
        return is_writable() ? ::send(socket_, bytes, size, MSG_NOSIGNAL) : -1;
    }

    void get_remote_ip_and_port(std::string& ip, int& port) const override {
        describe(&::getpeername, ip, port);
    }
    void get_local_ip_and_port(std::string& ip, int& port) const override {
        describe(&::getsockname, ip, port);
    }
    socket_t socket() const override { return socket_; }
    /// Whether what came first is the beginning of a TLS handshake; nothing of it is read then.
    bool speaksTls() const { return speaksTls_; }

private:
    /// Notes when the empty line after the headers has come.
    void lookForHead() {
        if (!hasHead_) {
            constexpr std::string_view kEnd = "\r\n\r\n";
            seen_.append(buffer_.data(), filled_);
            hasHead_ = seen_.find(kEnd) != std::string::npos;
            seen_.erase(0, seen_.size() - std::min(seen_.size(), kEnd.size() - 1));
        }
    }

    void describe(int (*name)(int, sockaddr*, socklen_t*), std::string& ip, int& port) const {
        sockaddr_storage address{};
        socklen_t size = sizeof(address);
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (name(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            return;
        }
        if (address.ss_family == AF_INET) {
            const auto* four = reinterpret_cast<const sockaddr_in*>(&address);
            ::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
            port = ntohs(four->sin_port);
        } else {
            const auto* six = reinterpret_cast<const sockaddr_in6*>(&address);
            ::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
            port = ntohs(six->sin6_port);
        }
        ip = text.data();
    }

    int socket_;
    std::array<char, 16384> buffer_{};
    size_t position_ = 0;
    size_t filled_ = 0;
    size_t received_ = 0;
    bool hasHead_ = false;
    bool speaksTls_ = false;
    std::string seen_; ///< the last bytes, until it has
    Clock::time_point end_ = Clock::now() + kRequestTime;
};

void refuseTls(httplib::Stream& stream) {
    const std::string body = errorDocument("This port speaks plain HTTP; TLS (https) came. Use an "
                                           "address that begins with http://.",
                                           errorType(400), "", "serve.tls");
    const std::string answer =
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: " + std::string(kJsonType) +
        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    stream.write(answer.data(), answer.size());
}

/// Closing a socket with unread bytes throws away the answer that is on its way, so a refused body
/// is read for a moment first.
void sayFarewell(int socket) {
    ::shutdown(socket, SHUT_WR);
    std::array<char, 16384> ignored{};
    size_t total = 0;
    const Clock::time_point end = Clock::now() + kFarewell;
    while (total < kFarewellBytes) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        if (left <= 0 || !waitFor(socket, POLLIN, static_cast<int>(left))) {
            return;
        }
        const ssize_t received = ::recv(socket, ignored.data(), ignored.size(), 0);
        if (received <= 0) {
            return;
        }
        total += static_cast<size_t>(received);
    }
}

} // namespace

HttpServer::HttpServer(int conversations) {
    const size_t threads = static_cast<size_t>(conversations) + kSpareThreads;
    new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
    set_tcp_nodelay(true);
    // httplib's own choice, SO_REUSEPORT, would let two servers share a port.
    set_socket_options([](socket_t socket) {
        const int yes = 1;
        ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
}

std::stop_token HttpServer::currentClient() {
    return currentEntry->token();
}

httplib::Stream& HttpServer::currentStream() {
    return *currentBytes;
}

int HttpServer::bind(const std::string& host, int port) {
    const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
    if (bound >= 0) {
        ::listen(svr_sock_, kBacklog);
    }
    return bound;
}

void HttpServer::listen() {
    Phase expected = Phase::Bound;
    if (phase_.compare_exchange_strong(expected, Phase::Listening)) {
        listen_after_bind();
        phase_ = Phase::Over;
    } else {
        ::close(svr_sock_.exchange(INVALID_SOCKET));
    }
}

void HttpServer::end() {
    connections_.closeAll();
    Phase expected = Phase::Bound;
    if (phase_.compare_exchange_strong(expected, Phase::Over)) {
        return; // listen() will not begin
    }
    while (!is_running() && phase_ == Phase::Listening) { // stop() would do nothing yet
        std::this_thread::yield();
    }
    stop();
}

bool HttpServer::process_and_close_socket(socket_t socket) {
    bool isHandled = false;
    {
        const Connections::Entry entry(connections_, socket);
        currentEntry = &entry;
        SocketStream stream(socket);
        currentBytes = &stream;
        bool isClosed = false;
        isHandled = process_request(stream, true, isClosed, nullptr);
        currentEntry = nullptr;
        currentBytes = nullptr;
        if (stream.speaksTls()) {
            refuseTls(stream);
            if (onTls) {
                onTls();
            }
        }
        sayFarewell(socket);
    }
    ::close(socket);
    return isHandled;
}

} // namespace caldera
