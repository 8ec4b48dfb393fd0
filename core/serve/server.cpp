#include "core/serve/server.h"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/serve/chat_answer.h"
#include "core/serve/http_answer.h"
#include "core/serve/http_server.h"
#include "core/serve/request_guard.h"
#include "core/serve/score_answer.h"
#include "core/serve/seats.h"

namespace caldera {

namespace {

using Json = nlohmann::json;
using httplib::Request;
using httplib::Response;

constexpr int kMostWaiting = 24;

/// Runs `work`, whose errors become the response.
template <class Work>
void sendingErrors(Response& response, const Work& work) {
    reportingErrors(
        [&] {
            try {
                work();
            } catch (const Cancelled&) {
                response.status = 503; // nobody reads it
            }
        },
        [&response](int status, const std::string& message, const std::string& parameter,
                    const std::string& code) {
            sendError(response, status, message, parameter, code);
        });
}

class ChatServer {
public:
    ChatServer(std::shared_ptr<Engine> engine, ServeOptions options)
        : engine_(std::move(engine)), options_(std::move(options)),
          guard_(options_.token, options_.host, options_.names), swaps_(*engine_, options_.swaps),
          seats_(engine_->statistics().chats + kMostWaiting), http_(seats_.count()) {
        addRoutes();
        addSwapRoutes();
        addOthers();
    }

    /// Returns when `stop` is requested.
    void run(Progress& progress, const std::stop_token& stop);

private:
    void addRoutes();
    void addSwapRoutes();
    /// What is served nowhere; the routes before it come first.
    void addOthers();
    int bind();
    std::string urlOf(int port) const;
    void announce(int port, Progress& progress) const;
    void sendHealth(Response& response) const;
    void sendStatistics(Response& response);
    double readBandwidth(const EngineStatistics& now);
    /// Of the statistics: null without a GPU, or where its driver tells nothing.
    Json gpuDocument() const;
    void sendModels(Response& response) const;
    /// Null: there was none, and the response says so.
    Seats::Seat takeSeat(Response& response);
    /// `make` makes the answer from the body.
    template <class Make>
    void answer(const Request& request, Response& response, const httplib::ContentReader& reader,
                const Make& make);
    /// `change` swaps cells and tells what is swapped then.
    template <class Change>
    void changeCells(Response& response, const Change& change);
    void give(const std::shared_ptr<Answer>& answer, Seats::Seat seat, Response& response);
    /// False when the answer could not be sent to its end: httplib asks again after true.
    bool stream(Answer& answer, httplib::DataSink& sink);

    std::shared_ptr<Engine> engine_;
    ServeOptions options_;
    RequestGuard guard_;
    Swaps swaps_;
    std::mutex bandwidthMutex_;
    std::optional<double> bandwidth_; ///< measured
    Seats seats_;
    HttpServer http_;
};

void ChatServer::addRoutes() {
    http_.set_payload_max_length(kMostBodyBytes);
    http_.set_pre_routing_handler([this](const Request& request, Response& response) {
        return guard_.isRefused(request, response) ? httplib::Server::HandlerResponse::Handled
                                                   : httplib::Server::HandlerResponse::Unhandled;
    });
    http_.Get("/health", [this](const Request&, Response& response) { sendHealth(response); });
    http_.Get("/caldera/v1/statistics",
              [this](const Request&, Response& response) { sendStatistics(response); });
    http_.Get("/v1/models", [this](const Request&, Response& response) { sendModels(response); });
    http_.Post("/v1/chat/completions", [this](const Request& request, Response& response,
                                              const httplib::ContentReader& reader) {
        answer(request, response, reader, [this](const std::string& body) {
            return std::make_shared<ChatAnswer>(*engine_, parseChatRequest(body),
                                                HttpServer::currentClient());
        });
    });
    http_.Post("/caldera/v1/scores", [this](const Request& request, Response& response,
                                            const httplib::ContentReader& reader) {
        answer(request, response, reader, [this](const std::string& body) {
            return std::make_shared<ScoreAnswer>(*engine_, parseScoreRequest(body),
                                                 HttpServer::currentClient());
        });
    });
}

void ChatServer::addSwapRoutes() {
    http_.Get("/caldera/v1/swaps", [this](const Request&, Response& response) {
        response.set_content(documentText(swaps_.list()), kJsonType);
    });
    http_.Post("/caldera/v1/swaps", [this](const Request& request, Response& response,
                                           const httplib::ContentReader& reader) {
        if (const auto body = readBody(request, reader, response)) {
            changeCells(response,
                        [&](const std::stop_token& client) { return swaps_.swap(*body, client); });
        }
    });
    // Without a body: what a client sends along is not read.
    http_.Post("/caldera/v1/swaps/undo",
               [this](const Request&, Response& response, const httplib::ContentReader&) {
                   changeCells(response, [this](const std::stop_token& client) {
                       return swaps_.undo(client);
                   });
               });
    http_.Delete("/caldera/v1/swaps",
                 [this](const Request&, Response& response, const httplib::ContentReader&) {
                     changeCells(response, [this](const std::stop_token& client) {
                         return swaps_.clear(client);
                     });
                 });
}

void ChatServer::addOthers() {
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

void ChatServer::sendHealth(Response& response) const {
    const EngineStatistics now = engine_->statistics();
    const Json document = {{"status", "ok"},
                           {"model", engine_->artifact().name()},
                           {"requests", seats_.taken()},
                           {"running", now.running},
                           {"waiting", now.waiting}};
    response.set_content(documentText(document), kJsonType);
}

double ChatServer::readBandwidth(const EngineStatistics& now) {
    const std::lock_guard lock(bandwidthMutex_);
    if (!bandwidth_ && options_.measureReadBandwidth && now.running + now.waiting == 0) {
        bandwidth_ = options_.measureReadBandwidth();
    }
    return bandwidth_.value_or(0);
}

Json ChatServer::gpuDocument() const {
    const std::optional<GpuUse> use = options_.gpuUse ? options_.gpuUse() : std::nullopt;
    if (!use) {
        return nullptr;
    }
    return {{"busy", use->busy >= 0 ? Json(use->busy) : Json()},
            {"used_bytes", use->usedBytes},
            {"total_bytes", use->totalBytes}};
}

void ChatServer::sendStatistics(Response& response) {
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
                           {"read_bytes_per_second", readBandwidth(now)},
                           {"weight_bytes", now.weightBytes},
                           {"cache_bytes", now.cacheBytes},
                           {"device_bytes", now.deviceBytes},
                           {"gpu", gpuDocument()}};
    response.set_content(documentText(document), kJsonType);
}

void ChatServer::sendModels(Response& response) const {
    const Artifact& artifact = engine_->artifact();
    const Json model = {{"id", artifact.name()},
                        {"object", "model"},
                        {"created", 0},
                        {"owned_by", "caldera"},
                        {"context_length", engine_->contextLength()},
                        {"bits_per_weight", artifact.bitsPerWeight()}};
    response.set_content(documentText({{"object", "list"}, {"data", Json::array({model})}}),
                         kJsonType);
}

Seats::Seat ChatServer::takeSeat(Response& response) {
    auto seat = seats_.take();
    if (!seat) {
        sendError(response, 429,
                  "Too many requests are waiting for the model; ask again in a moment.", "",
                  "serve.busy");
    }
    return seat;
}

template <class Make>
void ChatServer::answer(const Request& request, Response& response,
                        const httplib::ContentReader& reader, const Make& make) {
    const auto body = readBody(request, reader, response);
    if (!body) {
        return;
    }
    auto seat = takeSeat(response);
    if (!seat) {
        return;
    }
    sendingErrors(response, [&] { give(make(*body), std::move(seat), response); });
}

template <class Change>
void ChatServer::changeCells(Response& response, const Change& change) {
    const auto seat = takeSeat(response);
    if (!seat) {
        return;
    }
    sendingErrors(response, [&] {
        const Json document = change(HttpServer::currentClient());
        response.set_content(documentText(document), kJsonType);
    });
}

void ChatServer::give(const std::shared_ptr<Answer>& answer, Seats::Seat seat, Response& response) {
    if (answer->isStreamed()) {
        response.set_header("Cache-Control", "no-store");
        response.set_chunked_content_provider(
            "text/event-stream",
            [this, answer, seat = std::move(seat)](size_t, httplib::DataSink& sink) {
                return stream(*answer, sink);
            });
        return;
    }
    response.set_content(documentText(answer->whole(*engine_, HttpServer::currentClient())),
                         kJsonType);
}

bool ChatServer::stream(Answer& answer, httplib::DataSink& sink) {
    const std::stop_token client = HttpServer::currentClient();
    const auto send = [&](const std::string& data) {
        const std::string event = "data: " + data + "\n\n";
        return !client.stop_requested() && sink.write(event.data(), event.size());
    };
    reportingErrors(
        [&] {
            answer.stream(
                *engine_, [&](const Json& chunk) { return send(documentText(chunk)); }, client);
        },
        [&](int status, const std::string& message, const std::string& parameter,
            const std::string& code) {
            send(errorDocument(message, errorType(status), parameter, code));
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
        options_.onListening(port, url);
    }
}

void ChatServer::run(Progress& progress, const std::stop_token& stop) {
    const int port = bind();
    http_.onTls = [this, port, &progress, said = std::make_shared<std::once_flag>()] {
        std::call_once(*said, [&] {
            progress.log("A client speaks TLS (https) to " + urlOf(port) +
                         ", which is plain HTTP. Give it an address that begins with http://; over "
                         "a network use an SSH tunnel (ssh -L).");
        });
    };
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
