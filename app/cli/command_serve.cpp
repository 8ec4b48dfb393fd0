#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>
#include <thread>

#include "app/cli/command.h"
#include "app/cli/engine_options.h"
#include "core/serve/server.h"

namespace caldera::cli {

namespace {

constexpr int kDefaultChats = 4;

struct Options {
    EngineOptions engine;
    int port = 8080;
    bool exitWithParent = false;
};

/// Requests a stop when standard input, a pipe that the starter holds, is closed.
class ParentWatch {
public:
    explicit ParentWatch(std::stop_source& source) {
        struct stat facts {};
        if (::fstat(STDIN_FILENO, &facts) != 0 ||
            !(S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode))) {
            return;
        }
        wakeUp_ = ::eventfd(0, EFD_CLOEXEC);
        thread_ = std::thread([this, &source] { watch(source); });
    }
    ~ParentWatch() {
        if (thread_.joinable()) {
            ::eventfd_write(wakeUp_, 1);
            thread_.join();
            ::close(wakeUp_);
        }
    }
    ParentWatch(const ParentWatch&) = delete;
    ParentWatch& operator=(const ParentWatch&) = delete;

private:
    void watch(std::stop_source& source) const {
        std::array<pollfd, 2> inputs = {{{STDIN_FILENO, POLLIN, 0}, {wakeUp_, POLLIN, 0}}};
        std::array<char, 256> ignored{};
        while (::poll(inputs.data(), inputs.size(), -1) > 0 && inputs[1].revents == 0) {
            if (::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) {
                source.request_stop();
                return;
            }
        }
    }

    int wakeUp_ = -1;
    std::thread thread_;
};

void run(const Options& options, Invocation& invocation) {
    std::stop_source source;
    const std::stop_callback outer(invocation.stop, [&source] { source.request_stop(); });
    std::unique_ptr<ParentWatch> parent;
    if (options.exitWithParent) {
        parent = std::make_unique<ParentWatch>(source);
    }
    invocation.progress.stage("open");
    const std::shared_ptr<Engine> engine = options.engine.open(source.get_token());
    ServeOptions serveOptions;
    serveOptions.port = options.port;
    serveOptions.onListening = [&](int port) {
        const nlohmann::json line = {
            {"event", "listening"},
            {"host", serveOptions.host},
            {"port", port},
            {"url", "http://" + serveOptions.host + ":" + std::to_string(port)},
            {"model", engine->artifact().name()},
            {"context", engine->contextLength()},
            {"chats", engine->statistics().chats}};
        std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                  << std::endl;
    };
    serve(engine, serveOptions, invocation.progress, source.get_token());
}

} // namespace

void addServeCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& command = commands.add(
        "serve", "Answer OpenAI-compatible HTTP requests from a compressed model, on this machine",
        [options](Invocation& invocation) { run(*options, invocation); });
    options->engine.addTo(command);
    options->engine.settings.chats = kDefaultChats;
    command
        .add_option("--chats", options->engine.settings.chats,
                    "Requests that are answered at once; others wait")
        ->check(between(1, kMostChats))
        ->capture_default_str();
    command
        .add_option("--port", options->port,
                    "Port on 127.0.0.1; 0 takes any free one and says which")
        ->check(between(0, 65535))
        ->capture_default_str();
    command.add_flag("--exit-with-parent", options->exitWithParent,
                     "Stop when standard input, a pipe, is closed");
}

} // namespace caldera::cli
