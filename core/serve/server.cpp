#include "core/serve/server.h"

#include <new>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/serve/chat_answer.h"
#include "core/serve/http_server.h"
#include "core/serve/loopback_guard.h"
#include "core/serve/seats.h"

namespace caldera {

namespace {

using Json = nlohmann::json;
using httplib::Request;
using httplib::Response;

constexpr size_t kMostBodyBytes = 8U << 20;
constexpr int kMostWaiting = 24;
constexpr const char* kJsonType = "application/json";

void sendError(Response& response, int status, const std::string& message,
               const std::string& parameter = {}, const std::string& code = {}) {
    const std::string type = status >= 500 ? "server_error" : "invalid_request_error";
    response.status = status;
    response.set_content(errorDocument(message, type, parameter, code), kJsonType);
}

std::string text(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Runs `work`; what it throws becomes `report(status, sentence, parameter, code)`.
template <class Work, class Report>
void reportingErrors(const Work& work, const Report& report) {
    try {
        work();
    } catch (const RequestError& error) {
        report(400, error.what(), error.parameter(), error.code());
    } catch (const Error& error) {
        const bool isClients = error.code() == "chat.role" || error.code() == "engine.sampling" ||
                               error.code() == "engine.context-full";
        report(isClients ? 400 : 500, error.what(), "", error.code());
    } catch (const std::bad_alloc&) {
        report(500, "The machine has not enough memory for this request.", "", "memory");
    } catch (const std::exception& error) {
        report(500, std::string("Unexpected failure: ") + error.what(), "", "internal");
    }
}

class ChatServer {
public:
    ChatServer(std::shared_ptr<Engine> engine, ServeOptions options)
        : engine_(std::move(engine)), options_(std::move(options)),
          seats_(engine_->statistics().chats + kMostWaiting), http_(seats_.count()) {
        addRoutes();
    }

    /// Returns when `stop` is requested.
    void run(Progress& progress, const std::stop_token& stop);

private:
    void addRoutes();
    int bind();
    std::string urlOf(int port) const;
    void announce(int port, Progress& progress) const;
    bool isRefused(const Request& request, Response& response) const;
    void sendHealth(Response& response) const;
    void sendStatistics(Response& response) const;
    void sendModels(Response& response) const;
    void chat(const Request& request, Response& response, const httplib::ContentReader& reader);
    void answer(const std::string& body, Seats::Seat seat, Response& response);
    /// False when the answer could not be sent to its end: httplib asks again after true.
    bool stream(ChatAnswer& chatAnswer, httplib::DataSink& sink);

    std::shared_ptr<Engine> engine_;
    ServeOptions options_;
    Seats seats_;
    HttpServer http_;
};

/// False when the body is larger than we take, or breaks off.
std::optional<std::string> readBody(const httplib::ContentReader& reader, Response& response) {
    std::string body;
    bool isTooLarge = false;
    const bool isWhole = reader([&](const char* bytes, size_t size) {
        isTooLarge = body.size() + size > kMostBodyBytes;
        if (!isTooLarge) {
            body.append(bytes, size);
        }
        return !isTooLarge;
    });
    if (isTooLarge || response.status == 413) {
        sendError(response, 413, "The body has more than 8 MiB, the most that is read here.", "",
                  "serve.too-large");
        return std::nullopt;
    }
    if (!isWhole) {
        sendError(response, 400, "The body broke off before its end.", "", "serve.truncated");
        return std::nullopt;
    }
    return body;
}

void ChatServer::addRoutes() {
    http_.set_payload_max_length(kMostBodyBytes);
    http_.set_pre_routing_handler([this](const Request& request, Response& response) {
        return isRefused(request, response) ? httplib::Server::HandlerResponse::Handled
                                            : httplib::Server::HandlerResponse::Unhandled;
    });
    http_.Get("/health", [this](const Request&, Response& response) { sendHealth(response); });
    http_.Get("/caldera/v1/statistics",
              [this](const Request&, Response& response) { sendStatistics(response); });
    http_.Get("/v1/models", [this](const Request&, Response& response) { sendModels(response); });
    http_.Post("/v1/chat/completions",
               [this](const Request& request, Response& response,
                      const httplib::ContentReader& reader) { chat(request, response, reader); });
    // With a content reader, so that the body of a request to nowhere is not read into memory.
    const auto nowhere = [](const Request& request, Response& response,
                            const httplib::ContentReader&) {
        sendError(response, 404, request.method + " " + request.path + " is not served here.", "",
                  "serve.unknown");
    };
    http_.Post(".*", nowhere);
    http_.Put(".*", nowhere);
    http_.Patch(".*", nowhere);
    http_.Delete(".*", nowhere);
    http_.set_error_handler([](const Request& request, Response& response) {
        if (response.body.empty()) {
            sendError(response, response.status,
                      request.method + " " + request.path +
                          (response.status == 404 ? " is not served here."
                                                  : " is not a request that can be read."),
                      "", "serve.unknown");
        }
    });
}

bool ChatServer::isRefused(const Request& request, Response& response) const {
    const std::string host = request.get_header_value("Host");
    if (request.get_header_value_count("Host") != 1 || !isOwnHost(host, options_.host)) {
        sendError(response, 403,
                  "The Host header is \"" + host +
                      "\"; 127.0.0.1, localhost or [::1] was needed, for this server is for this "
                      "machine only.",
                  "", "serve.host");
        return true;
    }
    const std::string origin = request.get_header_value("Origin");
    if (request.has_header("Origin") && !isOwnOrigin(origin, host, options_.host)) {
        sendError(response, 403,
                  "The page at \"" + origin +
                      "\" may not use this server; web pages of other "
                      "origins are refused.",
                  "", "serve.origin");
        return true;
    }
    return false;
}

void ChatServer::sendHealth(Response& response) const {
    const EngineStatistics now = engine_->statistics();
    const Json document = {{"status", "ok"},
                           {"model", engine_->artifact().name()},
                           {"requests", seats_.taken()},
                           {"running", now.running},
                           {"waiting", now.waiting}};
    response.set_content(text(document), kJsonType);
}

void ChatServer::sendStatistics(Response& response) const {
    const EngineStatistics now = engine_->statistics();
    const auto rate = [&now](int64_t tokens) {
        return now.busySeconds > 0 ? static_cast<double>(tokens) / now.busySeconds : 0;
    };
    const Json document = {{"chats", now.chats},
                           {"running", now.running},
                           {"waiting", now.waiting},
                           {"pool_tokens", now.poolTokens},
                           {"used_tokens", now.usedTokens},
                           {"prompt_tokens", now.promptTokens},
                           {"generated_tokens", now.generatedTokens},
                           {"busy_seconds", now.busySeconds},
                           {"prompt_tokens_per_second", rate(now.promptTokens)},
                           {"tokens_per_second", rate(now.generatedTokens)},
                           {"weight_bytes", now.weightBytes},
                           {"cache_bytes", now.cacheBytes},
                           {"device_bytes", now.deviceBytes}};
    response.set_content(text(document), kJsonType);
}

void ChatServer::sendModels(Response& response) const {
    const Artifact& artifact = engine_->artifact();
    const Json model = {{"id", artifact.name()},
                        {"object", "model"},
                        {"created", 0},
                        {"owned_by", "caldera"},
                        {"context_length", engine_->contextLength()},
                        {"bits_per_weight", artifact.bitsPerWeight()}};
    response.set_content(text({{"object", "list"}, {"data", Json::array({model})}}), kJsonType);
}

void ChatServer::chat(const Request& request, Response& response,
                      const httplib::ContentReader& reader) {
    if (request.is_multipart_form_data()) {
        sendError(response, 400, "The body is a form; JSON (application/json) was needed.", "",
                  "serve.request");
        return;
    }
    const auto body = readBody(reader, response);
    if (!body) {
        return;
    }
    auto seat = seats_.take();
    if (!seat) {
        sendError(response, 429,
                  "Too many requests are waiting for the model; ask again in a moment.", "",
                  "serve.busy");
        return;
    }
    reportingErrors([&] { answer(*body, std::move(seat), response); },
                    [&response](int status, const std::string& message,
                                const std::string& parameter, const std::string& code) {
                        sendError(response, status, message, parameter, code);
                    });
}

void ChatServer::answer(const std::string& body, Seats::Seat seat, Response& response) {
    const auto chatAnswer = std::make_shared<ChatAnswer>(*engine_, parseChatRequest(body));
    if (chatAnswer->isStreamed()) {
        response.set_header("Cache-Control", "no-store");
        response.set_chunked_content_provider(
            "text/event-stream",
            [this, chatAnswer, seat = std::move(seat)](size_t, httplib::DataSink& sink) {
                return stream(*chatAnswer, sink);
            });
        return;
    }
    const std::stop_token client = HttpServer::currentClient();
    try {
        response.set_content(text(chatAnswer->whole(*engine_, client)), kJsonType);
    } catch (const Cancelled&) {
        response.status = 503; // nobody reads it
    }
}

bool ChatServer::stream(ChatAnswer& chatAnswer, httplib::DataSink& sink) {
    const std::stop_token client = HttpServer::currentClient();
    const auto send = [&](const std::string& data) {
        const std::string event = "data: " + data + "\n\n";
        return !client.stop_requested() && sink.write(event.data(), event.size());
    };
    reportingErrors(
        [&] {
            chatAnswer.stream(
                *engine_, [&](const Json& chunk) { return send(text(chunk)); }, client);
        },
        [&](int status, const std::string& message, const std::string& parameter,
            const std::string& code) {
            send(errorDocument(message, status >= 500 ? "server_error" : "invalid_request_error",
                               parameter, code));
        });
    const bool isComplete = send("[DONE]");
    if (isComplete) {
        sink.done();
    }
    return isComplete;
}

int ChatServer::bind() {
    const int port = http_.bind(options_.host, options_.port);
    if (port < 0) {
        const std::string address = options_.host + ":" + std::to_string(options_.port);
        throw Error("serve.port",
                    "The address " + address +
                        " cannot be opened; another program may use it. Choose another --port, or "
                        "0 for any free one.",
                    {{"address", address}});
    }
    return port;
}

std::string ChatServer::urlOf(int port) const {
    const bool isIpv6 = options_.host.find(':') != std::string::npos;
    const std::string host = isIpv6 ? "[" + options_.host + "]" : options_.host;
    return "http://" + host + ":" + std::to_string(port);
}

void ChatServer::announce(int port, Progress& progress) const {
    const std::string url = urlOf(port);
    progress.event("log", {{"message", engine_->artifact().name() + " is served at " + url},
                           {"host", options_.host},
                           {"port", port},
                           {"url", url}});
    if (options_.onListening) {
        options_.onListening(port);
    }
}

void ChatServer::run(Progress& progress, const std::stop_token& stop) {
    const int port = bind();
    announce(port, progress);
    {
        const std::stop_callback ending(stop, [this] { http_.end(); });
        http_.listen();
    }
    if (!stop.stop_requested()) {
        throw Error("serve.ended",
                    "The server at " + urlOf(port) +
                        " stopped accepting connections; the system may be out of file "
                        "descriptors. Start it again.",
                    {{"url", urlOf(port)}});
    }
}

} // namespace

void serve(std::shared_ptr<Engine> engine, const ServeOptions& options, Progress& progress,
           const std::stop_token& stop) {
    ChatServer(std::move(engine), options).run(progress, stop);
}

} // namespace caldera
