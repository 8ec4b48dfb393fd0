#include "tests/support/fake_runpod.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include <httplib.h>

#include "tests/support/runpod_catalog.h"
#include "tests/support/until.h"

namespace caldera::test {

namespace {

using Json = nlohmann::json;

constexpr double kEpoch = 1'795'000'000; // what the server's clock shows when it starts
constexpr int kLooksToStart = 1;
constexpr int kLooksToRun = 2;

double systemSeconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

const double kStart = systemSeconds();

} // namespace

FakeRunpod::FakeRunpod(std::string key)
    : key_(std::move(key)), server_(std::make_unique<httplib::Server>()),
      ssh_({{"host", "127.0.0.1"}, {"port", 22}, {"username", "root"}, {"command", "ssh"}}) {
    offers_ = runpodOffers();
    const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
        serve(request, response);
    };
    server_->Get(".*", handler).Post(".*", handler).Delete(".*", handler);
    server_->set_keep_alive_max_count(1);
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    until([this] { return server_->is_running(); }); // stop() before that would be forgotten
}

FakeRunpod::~FakeRunpod() {
    server_->stop();
    thread_.join();
}

std::string FakeRunpod::url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/v2";
}

void FakeRunpod::cause(Trouble trouble) {
    const std::lock_guard lock(mutex_);
    troubles_.push_back(std::move(trouble));
}

void FakeRunpod::advance(double seconds) {
    const std::lock_guard lock(mutex_);
    skipped_ += seconds;
}

void FakeRunpod::hangProvisioning(bool hang) {
    const std::lock_guard lock(mutex_);
    hang_ = hang;
}

void FakeRunpod::setRealPrice(double price) {
    const std::lock_guard lock(mutex_);
    realPrice_ = price;
}

void FakeRunpod::hidePrices() {
    const std::lock_guard lock(mutex_);
    hidesPrices_ = true;
}

void FakeRunpod::setSsh(const std::string& host, int port, const std::string& user) {
    const std::lock_guard lock(mutex_);
    ssh_ = {{"host", host}, {"port", port}, {"username", user}, {"command", "ssh"}};
}

void FakeRunpod::onCreation(std::function<void(const Json&)> hear) {
    const std::lock_guard lock(mutex_);
    hear_ = std::move(hear);
}

void FakeRunpod::setStock(const std::string& gpu, bool present) {
    const std::lock_guard lock(mutex_);
    for (Json& each : offers_) {
        if (each["id"] == gpu) {
            each["availability"] = present ? "HIGH" : "NONE";
        }
    }
}

void FakeRunpod::allowStop(bool allow) {
    const std::lock_guard lock(mutex_);
    allowStop_ = allow;
}

std::string FakeRunpod::addPod(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return make(name, 1).json["id"];
}

void FakeRunpod::mountVolume(const std::string& id) {
    const std::lock_guard lock(mutex_);
    pods_.at(id).json["mounts"]["network"] =
        Json::array({{{"volumeId", "vol_models"}, {"path", "/workspace"}}});
}

void FakeRunpod::setStatus(const std::string& id, const std::string& status) {
    const std::lock_guard lock(mutex_);
    FakePod& pod = pods_.at(id);
    pod.json["status"] = status;
    pod.looks = kLooksToRun;
    if (status == "EXITED" || status == "TERMINATED") {
        endRun(pod);
    }
}

std::vector<std::string> FakeRunpod::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

int FakeRunpod::count(const std::string& request) const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::count(requests_.begin(), requests_.end(), request));
}

Json FakeRunpod::lastCreation() const {
    const std::lock_guard lock(mutex_);
    return lastCreation_;
}

std::map<std::string, std::string> FakeRunpod::pods() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::string> states;
    for (const auto& [id, pod] : pods_) {
        if (pod.json["status"] != "TERMINATED") {
            states[id] = pod.json["status"];
        }
    }
    return states;
}

int FakeRunpod::mostAtOnce() const {
    const std::lock_guard lock(mutex_);
    return mostAtOnce_;
}

std::vector<std::string> FakeRunpod::costly() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, pod] : pods_) {
        if (pod.started >= 0) {
            ids.push_back(id);
        }
    }
    return ids;
}

double FakeRunpod::spent() const {
    const std::lock_guard lock(mutex_);
    double all = spentBefore_;
    for (const auto& [id, pod] : pods_) {
        all += pod.spent;
        if (pod.started >= 0) {
            all += (now() - pod.started) * pod.json["cost"].get<double>() / 3600;
        }
    }
    return all;
}

double FakeRunpod::now() const {
    return kEpoch + systemSeconds() - kStart + skipped_;
}

std::string FakeRunpod::date(double seconds) const {
    const auto whole = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&whole, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

void FakeRunpod::problem(httplib::Response& response, int status, const std::string& detail) {
    response.status = status;
    response.set_content(Json{{"title", "Problem"}, {"status", status}, {"detail", detail}}.dump(),
                         "application/problem+json");
}

bool FakeRunpod::trouble(const httplib::Request& request, httplib::Response& response, bool& drop) {
    int delay = 0;
    bool answered = false;
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request.method + ' ' + request.path);
        const auto found = std::find_if(troubles_.begin(), troubles_.end(), [&](const Trouble& t) {
            return t.verb == request.method && std::regex_match(request.path, std::regex(t.path));
        });
        if (found != troubles_.end()) {
            delay = found->delay;
            drop = found->dropAnswer;
            if (found->status != 0) {
                answered = true;
                problem(response, found->status, "trouble " + std::to_string(found->status));
                if (!found->body.empty()) {
                    response.set_content(found->body, "application/json");
                }
                for (const auto& [name, value] : found->headers) {
                    response.set_header(name.c_str(), value);
                }
            }
            if (--found->times == 0) {
                troubles_.erase(found);
            }
        }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    return answered;
}

void FakeRunpod::serve(const httplib::Request& request, httplib::Response& response) {
    bool drop = false;
    if (!trouble(request, response, drop)) {
        const std::lock_guard lock(mutex_);
        answer(request, response);
        const auto whole = static_cast<std::time_t>(now());
        std::tm parts{};
        ::gmtime_r(&whole, &parts);
        char text[64];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        response.set_header("Date", text);
    }
    if (drop) {
        response.body.clear();
        response.set_content_provider(1000, "application/json",
                                      [](size_t, size_t, httplib::DataSink&) { return false; });
    }
}

void FakeRunpod::answer(const httplib::Request& request, httplib::Response& response) {
    if (request.get_header_value("Authorization") != "Bearer " + key_) {
        problem(response, 401, "invalid api key");
        return;
    }
    Json body;
    std::smatch parts;
    static const std::regex one("/v2/pods/([^/]+)(/action)?");
    if (request.path == "/v2/catalog/gpus") {
        body = {{"gpus", offers_}};
    } else if (request.path == "/v2/network-volumes") {
        body = runpodVolumes();
    } else if (request.path == "/v2/pods" && request.method == "POST") {
        create(Json::parse(request.body), response);
        return;
    } else if (request.path == "/v2/pods") {
        body = {{"pods", Json::array()}};
        for (auto& [id, pod] : pods_) {
            body["pods"].push_back(shown(pod, false));
        }
    } else if (std::regex_match(request.path, parts, one)) {
        answerPod(request, response, parts[1], parts[2]);
        return;
    } else {
        problem(response, 404, "no such path");
        return;
    }
    response.set_content(body.dump(), "application/json");
}

void FakeRunpod::answerPod(const httplib::Request& request, httplib::Response& response,
                           const std::string& id, const std::string& rest) {
    if (!pods_.contains(id)) {
        problem(response, 404, "pod not found");
    } else if (request.method == "DELETE") {
        act("terminate", id, response);
    } else if (!rest.empty()) {
        act(Json::parse(request.body)["action"], id, response);
    } else {
        response.set_content(shown(pods_.at(id), true).dump(), "application/json");
    }
}

void FakeRunpod::act(const std::string& action, const std::string& id,
                     httplib::Response& response) {
    FakePod& pod = pods_.at(id);
    if (action == "terminate") {
        endRun(pod);
        spentBefore_ += pod.spent;
        pods_.erase(id);
        response.status = 204;
        return;
    }
    if (action != "stop" || pod.started < 0 || !allowStop_) {
        problem(response, 409, "action not valid for current pod status");
        return;
    }
    endRun(pod);
    pod.json["status"] = "EXITED";
    response.set_content(shown(pod, false).dump(), "application/json");
}

void FakeRunpod::endRun(FakePod& pod) {
    if (pod.started >= 0) {
        pod.spent += (now() - pod.started) * pod.json["cost"].get<double>() / 3600;
    }
    pod.started = -1;
}

FakePod& FakeRunpod::make(const std::string& name, double price) {
    const std::string id = "pod" + std::to_string(++made_);
    FakePod& pod = pods_[id];
    pod.started = now();
    pod.json = {{"id", id},
                {"name", name},
                {"status", "PROVISIONING"},
                {"cost", price},
                {"createdAt", date(pod.started)},
                {"startedAt", nullptr},
                {"mounts", Json::object()},
                {"runtime", nullptr}};
    const auto costs = [](const auto& each) { return each.second.started >= 0; };
    mostAtOnce_ =
        std::max(mostAtOnce_, static_cast<int>(std::count_if(pods_.begin(), pods_.end(), costs)));
    return pod;
}

std::string FakeRunpod::create(const Json& body, httplib::Response& response) {
    lastCreation_ = body;
    if (hear_) {
        hear_(body);
    }
    for (const Json& each : offers_) {
        if (each["id"] != body["gpu"]["id"]) {
            continue;
        }
        if (each["availability"] == "NONE") {
            problem(response, 400, "There are no longer any instances available");
            return {};
        }
        const double listed = each["price"]["secure"].get<double>() * body["gpu"].value("count", 1);
        FakePod& pod = make(body["name"], realPrice_ > 0 ? realPrice_ : listed);
        pod.json["gpu"] = body["gpu"];
        pod.json["mounts"] = body["mounts"];
        response.status = 201;
        response.set_content(shown(pod, false).dump(), "application/json");
        return pod.json["id"];
    }
    problem(response, 422, "unknown gpu");
    return {};
}

Json FakeRunpod::shown(FakePod& pod, bool look) {
    std::string status = pod.json["status"];
    const bool starting = status == "PROVISIONING" || status == "STARTING";
    if (look && starting && !hang_) {
        ++pod.looks;
        status = pod.looks > kLooksToRun     ? "RUNNING"
                 : pod.looks > kLooksToStart ? "STARTING"
                                             : "PROVISIONING";
        pod.json["status"] = status;
    }
    Json json = pod.json;
    const bool running = status == "RUNNING";
    json["actions"] = Json::array({"terminate"});
    if (pod.started >= 0 && allowStop_) {
        json["actions"].push_back("stop");
    }
    json["ssh"] = {{"proxy", nullptr}, {"direct", running ? ssh_ : Json(nullptr)}};
    if (pod.started < 0) {
        json["cost"] = 0.0;
    } else if (hidesPrices_) {
        json["cost"] = nullptr;
    }
    return json;
}

} // namespace caldera::test
