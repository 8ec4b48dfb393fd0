#include "tests/support/fake_hub.h"

#include <utility>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "tests/support/until.h"

namespace caldera::test {

namespace {

const std::string kCommit(40, 'c');

} // namespace

FakeHub::FakeHub(const std::filesystem::path& folder, std::string name, std::string token)
    : name_(std::move(name)), token_(std::move(token)),
      server_(std::make_unique<httplib::Server>()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            files_[entry.path().filename().string()] = readTextFile(entry.path());
        }
    }
    server_->Get(".*", [this](const httplib::Request& request, httplib::Response& response) {
        const std::string files = "/" + name_ + "/resolve/" + kCommit + "/";
        if (request.get_header_value("Authorization") != "Bearer " + token_) {
            response.status = 401;
        } else if (request.path == "/api/models/" + name_) {
            show(response);
        } else if (request.path.starts_with(files)) {
            send(request.path.substr(files.size()), request, response);
        } else {
            response.status = 404;
        }
    });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    until([this] { return server_->is_running(); });
}

FakeHub::~FakeHub() {
    release();
    server_->stop();
    thread_.join();
}

std::string FakeHub::url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
}

void FakeHub::breakNext(const std::string& file) {
    const std::lock_guard lock(mutex_);
    broken_ = file;
}

void FakeHub::holdNext(const std::string& file) {
    const std::lock_guard lock(mutex_);
    held_ = file;
    isHeld_ = true;
}

void FakeHub::release() {
    const std::lock_guard lock(mutex_);
    isHeld_ = false;
    released_.notify_all();
}

size_t FakeHub::sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
}

void FakeHub::show(httplib::Response& response) const {
    using Json = nlohmann::ordered_json; // as the hub orders them
    Json siblings = Json::array();
    for (const auto& [name, bytes] : files_) {
        Json file = {{"rfilename", name}, {"size", bytes.size()}, {"blobId", "0"}};
        if (name.ends_with(".safetensors")) {
            file["lfs"] = {
                {"sha256", sha256Hex(bytes)}, {"size", bytes.size()}, {"pointerSize", 134}};
        }
        siblings.push_back(file);
    }
    const Json model = {{"id", name_}, {"sha", kCommit}, {"siblings", siblings}};
    response.set_content(model.dump(), "application/json");
}

void FakeHub::send(const std::string& file, const httplib::Request& request,
                   httplib::Response& response) {
    const auto found = files_.find(file);
    if (found == files_.end()) {
        response.status = 404;
        return;
    }
    const std::string& bytes = found->second;
    const std::lock_guard lock(mutex_);
    if (broken_ == file) { // others may be asked for before
        broken_.clear();
        response.set_content_provider(bytes.size(), "application/octet-stream",
                                      [&bytes](size_t offset, size_t, httplib::DataSink& sink) {
                                          sink.write(bytes.data() + offset, bytes.size() / 2);
                                          return false;
                                      });
        sent_ += bytes.size() / 2;
        return;
    }
    if (held_ == file) {
        held_.clear();
        response.set_content_provider(
            bytes.size(), "application/octet-stream",
            [this, &bytes](size_t offset, size_t, httplib::DataSink& sink) {
                if (offset > 0) {
                    std::unique_lock held(mutex_);
                    released_.wait(held, [this] { return !isHeld_; });
                    return false;
                }
                return sink.write(bytes.data(), bytes.size() / 2);
            });
        sent_ += bytes.size() / 2;
        return;
    }
    const size_t from = request.ranges.empty() ? 0 : static_cast<size_t>(request.ranges[0].first);
    sent_ += file.ends_with(".safetensors") ? bytes.size() - from : 0;
    response.set_content(bytes, "application/octet-stream");
}

} // namespace caldera::test
