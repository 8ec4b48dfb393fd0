// A running server, and clients of every manner.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/serve/server.h"
#include "tests/core/serve/scripted_engine.h"
#include "tests/support/tiny_model_test.h"
#include "tests/support/until.h"

namespace caldera::test {

using Json = nlohmann::json;

inline constexpr const char* kChat = "/v1/chat/completions";
inline constexpr const char* kJsonType = "application/json";
inline constexpr const char* kToken = "0123456789abcdef";
inline const std::string kAuthorization = std::string("Authorization: Bearer ") + kToken + "\r\n";

/// Keeps what is logged.
class LoggedProgress : public Progress {
public:
    void stage(const std::string& /*name*/) override {}
    void advance(int64_t /*done*/, int64_t /*total*/) override {}
    void event(const std::string& kind, Json fields) override {
        const std::lock_guard lock(mutex_);
        if (kind == "log") {
            sentences_.push_back(fields.at("message"));
        }
    }
    /// How many sentences have this part.
    int64_t count(const std::string& part) const {
        const std::lock_guard lock(mutex_);
        return std::count_if(sentences_.begin(), sentences_.end(), [&part](const std::string& one) {
            return one.find(part) != std::string::npos;
        });
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> sentences_;
};

/// A server on a thread of its own, stopped at the end.
class RunningServer {
public:
    explicit RunningServer(std::shared_ptr<Engine> engine, ServeOptions options = {}) {
        std::promise<int> port;
        auto listening = port.get_future();
        options.token = kToken;
        options.onListening = [&port](int real, const std::string&) { port.set_value(real); };
        thread_ = std::jthread([this, engine = std::move(engine), options](std::stop_token stop) {
            serve(engine, options, log_, stop);
            hasEnded_.set_value();
        });
        port_ = listening.get();
    }

    int port() const { return port_; }
    const LoggedProgress& log() const { return log_; }
    httplib::Client client() const {
        httplib::Client client("127.0.0.1", port_);
        client.set_read_timeout(20);
        client.set_default_headers({{"Authorization", std::string("Bearer ") + kToken}});
        return client;
    }
    /// Requests the stop; true when the server returned within the limit.
    bool stopsWithin(std::chrono::milliseconds limit) {
        thread_.request_stop();
        return hasEnded_.get_future().wait_for(limit) == std::future_status::ready;
    }

private:
    int port_ = 0;
    LoggedProgress log_;
    std::promise<void> hasEnded_;
    std::jthread thread_;
};

/// A plain socket, for what a well-mannered client does not do.
class RawClient {
public:
    explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    ~RawClient() { close(); }
    void send(const std::string& text) {
        EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    /// Sends as much of the text, over and over, as the server takes before it closes.
    size_t flood(const std::string& text, size_t most) const {
        size_t total = 0;
        while (total < most) {
            const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) {
                break;
            }
            total += static_cast<size_t>(count);
        }
        return total;
    }
    void post(const std::string& body) {
        send("POST " + std::string(kChat) + " HTTP/1.1\r\nHost: localhost\r\n" + kAuthorization +
             "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
    }
    /// Says that nothing more comes.
    void endInput() { ::shutdown(socket_, SHUT_WR); }
    /// Everything until the server closes.
    std::string readAll() {
        std::string all;
        char buffer[4096];
        for (;;) {
            const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
            if (count <= 0) {
                return all;
            }
            all.append(buffer, static_cast<size_t>(count));
        }
    }
    void close() {
        if (socket_ >= 0) {
            ::close(socket_);
            socket_ = -1;
        }
    }

private:
    int socket_;
};

inline std::string question(const std::string& more = "", const std::string& text = "Hi") {
    return R"({"messages": [{"role": "user", "content": ")" + text + "\"}]" + more + "}";
}

/// The documents of a whole event stream; the last must be [DONE].
inline std::vector<Json> chunksOf(const std::string& stream) {
    std::vector<Json> chunks;
    bool isDone = false;
    for (size_t at = 0; at < stream.size();) {
        const size_t end = stream.find("\n\n", at);
        if (end == std::string::npos || stream.compare(at, 6, "data: ") != 0 || isDone) {
            ADD_FAILURE() << "not an event: " << stream.substr(at);
            return chunks;
        }
        const std::string data = stream.substr(at + 6, end - at - 6);
        isDone = data == "[DONE]";
        if (!isDone) {
            chunks.push_back(Json::parse(data));
        }
        at = end + 2;
    }
    EXPECT_TRUE(isDone);
    return chunks;
}

inline Json health(const RunningServer& server) {
    return Json::parse(server.client().Get("/health")->body);
}

/// True once the server says so; an answer is out a moment before its chat has ended.
inline bool untilHealthIs(const RunningServer& server, int running, int waiting) {
    return until([&] {
        const Json now = health(server);
        return now.at("running") == running && now.at("waiting") == waiting &&
               now.at("requests") == running + waiting;
    });
}

inline std::string contentOf(const std::vector<Json>& chunks) {
    std::string text;
    for (const Json& chunk : chunks) {
        text += chunk.at("choices").at(0).at("delta").value("content", "");
    }
    return text;
}

class ServerTest : public TinyModelTest {
protected:
    static std::shared_ptr<ScriptedEngine>
    scripted(const std::string& text = "The answer is ünïque.") {
        return std::make_shared<ScriptedEngine>(model_->artifact(), text);
    }
};

} // namespace caldera::test
