// Plays the hub of models over a real socket, with one model that asks for a token.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace httplib {
class Server;
struct Request;
struct Response;
} // namespace httplib

namespace caldera::test {

/// Listens on loopback from construction on.
class FakeHub {
public:
    /// Shows the files in `folder` as the model `name`, to whoever has the token.
    FakeHub(const std::filesystem::path& folder, std::string name, std::string token);
    ~FakeHub();
    FakeHub(const FakeHub&) = delete;
    FakeHub& operator=(const FakeHub&) = delete;

    std::string url() const; ///< "http://127.0.0.1:PORT"
    /// The next answer with this file's bytes breaks off half way.
    void breakNext(const std::string& file);
    /// The next answer with this file's bytes comes to a stand half way, until release().
    void holdNext(const std::string& file);
    void release();
    /// Bytes of weights that were sent so far.
    size_t sent() const;

private:
    void show(httplib::Response& response) const;
    void send(const std::string& file, const httplib::Request& request,
              httplib::Response& response);

    std::string name_;
    std::string token_;
    std::map<std::string, std::string> files_;
    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::string broken_;
    std::string held_;
    bool isHeld_ = false;
    std::condition_variable released_;
    size_t sent_ = 0;
};

} // namespace caldera::test
