#include "core/watch/pod_api.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/printable.h"

namespace caldera {

struct PodApi::Answer {
    int status = 0;
    nlohmann::json body;
    double serverTime = 0; ///< seconds since 1970; 0: not told
};

namespace {

using Json = nlohmann::json;

constexpr int kPatience = 20;       // seconds for each part of a request
constexpr int kAnswerPatience = 60; // seconds for a whole answer: a byte now and then is none
constexpr size_t kQuoteLength = 200;
constexpr size_t kAnswerLimit = 8U << 20;

/// Distributions keep the certificates in different places, and a bundled libssl looks in its own.
std::string certificates() {
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",
                             "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
        if (std::filesystem::exists(path)) {
            return path;
        }
    }
    return {};
}

double secondsOf(const std::string& text, const char* format) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), format, &parts);
    return end == nullptr ? 0 : static_cast<double>(::timegm(&parts));
}

std::string textOf(const Json& json, const char* field) {
    const auto found = json.find(field);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// 0 where it is no number.
double numberOf(const Json& json, const char* field) {
    const auto found = json.find(field);
    return found != json.end() && found->is_number() ? found->get<double>() : 0.0;
}

[[noreturn]] void complain(const std::string& server, const std::string& what) {
    throw Error("watch.provider", "The provider at " + server + ' ' + what +
                                      ". The watchdog tries again; stop the pod in the provider's "
                                      "console if it goes on.");
}

} // namespace

PodApi::PodApi(const std::string& url, std::string podId, std::vector<std::string> keys)
    : keys_(std::move(keys)) {
    const size_t scheme = url.find("://");
    const size_t slash = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
    const bool plainId = !podId.empty() && std::all_of(podId.begin(), podId.end(), [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' ||
               letter == '-';
    });
    if (slash == std::string::npos || !plainId) {
        throw Error("watch.address",
                    printable(url, kQuoteLength) + " with the pod \"" +
                        printable(podId, kQuoteLength) +
                        "\" was given; an address like https://api.runpod.io/v2 and the id of a "
                        "pod were needed.");
    }
    if (keys_.empty()) {
        throw Error("watch.refused", "No API key was given. Write one to standard input, or set "
                                     "RUNPOD_API_KEY.");
    }
    server_ = url.substr(0, slash);
    pod_ = url.substr(slash) + "/pods/" + podId;
}

PodApi::~PodApi() = default;

PodApi::Answer PodApi::send(const std::string& verb, const std::string& path,
                            const std::string& body, const std::string& key) const {
    httplib::Client client(server_);
    client.set_connection_timeout(kPatience);
    client.set_read_timeout(kPatience);
    client.set_write_timeout(kPatience);
    const std::string trusted = certificates();
    if (!trusted.empty()) {
        client.set_ca_cert_path(trusted.c_str());
    }
    httplib::Request request;
    request.method = verb;
    request.path = path;
    request.body = body;
    request.set_header("Authorization", "Bearer " + key);
    if (!body.empty()) {
        request.set_header("Content-Type", "application/json");
    }
    std::string text;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kAnswerPatience);
    request.content_receiver = [&text, end](const char* data, size_t size, uint64_t, uint64_t) {
        text.append(data, size);
        return text.size() <= kAnswerLimit && std::chrono::steady_clock::now() < end;
    };
    const httplib::Result result = client.send(request);
    if (!result) {
        complain(server_, "does not answer (" + httplib::to_string(result.error()) + ")");
    }
    return {result->status, Json::parse(text, nullptr, false),
            secondsOf(result->get_header_value("Date"), "%a, %d %b %Y %H:%M:%S")};
}

PodApi::Answer PodApi::ask(const std::string& verb, const std::string& path,
                           const std::string& body) {
    Answer answer;
    for (size_t tried = 0; tried < keys_.size(); ++tried) {
        answer = send(verb, path, body, keys_[key_]);
        if (answer.status != 401 && answer.status != 403) {
            break;
        }
        key_ = (key_ + 1) % keys_.size();
    }
    if (answer.status == 401 || answer.status == 403) {
        throw Error("watch.refused", "The provider accepts no key of the watchdog (" +
                                         std::to_string(answer.status) +
                                         "). Give it one that may read and write pods.");
    }
    const bool expected = (answer.status >= 200 && answer.status < 300) || answer.status == 404 ||
                          answer.status == 409;
    if (!expected) {
        complain(server_, "answered " + std::to_string(answer.status));
    }
    return answer;
}

PodView PodApi::look() {
    const Answer answer = ask("GET", pod_, {});
    if (answer.status == 404) {
        return {.costs = false};
    }
    if (!answer.body.is_object() || textOf(answer.body, "status").empty()) {
        complain(server_, "describes the pod without its status");
    }
    PodView view;
    const std::string status = textOf(answer.body, "status");
    view.costs = status != "EXITED" && status != "TERMINATED";
    view.hourlyPrice = numberOf(answer.body, "cost");
    const Json mounts = answer.body.value("mounts", Json::object());
    view.onVolume = mounts.is_object() && !mounts.value("network", Json::array()).empty();
    std::string since = textOf(answer.body, "startedAt");
    if (since.empty()) {
        since = textOf(answer.body, "createdAt");
    }
    const double start = secondsOf(since, "%Y-%m-%dT%H:%M:%S");
    if (start > 0 && answer.serverTime > 0) {
        view.rentedSeconds = std::max(0.0, answer.serverTime - start);
    }
    return view;
}

bool PodApi::stop() {
    return ask("POST", pod_ + "/action", R"({"action":"stop"})").status != 409;
}

void PodApi::giveBack() {
    if (ask("DELETE", pod_, {}).status == 409) {
        complain(server_, "does not take the pod back");
    }
}

} // namespace caldera
