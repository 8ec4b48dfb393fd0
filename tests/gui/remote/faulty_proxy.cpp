#include "tests/gui/remote/faulty_proxy.h"

#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace caldera::studio {

namespace {

constexpr int kLookEvery = 20; // ms

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
}

} // namespace

FaultyProxy::FaultyProxy(int target) : target_(target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { accept(stop); });
}

FaultyProxy::~FaultyProxy() {
    thread_.request_stop();
    thread_.join();
    connections_.clear();
    ::close(listener_);
}

void FaultyProxy::accept(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        pollfd waiting{listener_, POLLIN, 0};
        if (::poll(&waiting, 1, kLookEvery) <= 0) {
            continue;
        }
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) {
            connections_.emplace_back(
                [this, client](const std::stop_token& ended) { pass(ended, client); });
        }
    }
}

void FaultyProxy::pass(const std::stop_token& stop, int client) {
    const int drops = drops_;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_);
    bool isOpen =
        ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    while (isOpen && !stop.stop_requested() && drops_ == drops) {
        std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
        if (stalled_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(kLookEvery));
        } else if (::poll(ends.data(), ends.size(), kLookEvery) > 0) {
            isOpen = (ends[0].revents == 0 || copy(client, server)) &&
                     (ends[1].revents == 0 || copy(server, client));
        }
    }
    ::close(server);
    ::close(client);
}

bool FaultyProxy::copy(int from, int to) {
    std::array<char, 16384> bytes;
    const ssize_t count = ::recv(from, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
        return false;
    }
    if (corrupt_.exchange(false)) {
        bytes[static_cast<size_t>(count) / 2] ^= 0x10;
    }
    for (ssize_t sent = 0; sent < count;) {
        const ssize_t now =
            ::send(to, bytes.data() + sent, static_cast<size_t>(count - sent), MSG_NOSIGNAL);
        if (now <= 0) {
            return false;
        }
        sent += now;
    }
    return true;
}

} // namespace caldera::studio
