#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/engine_options.h"
#include "app/cli/preflight_options.h"
#include "core/base/error.h"
#include "core/base/write_failure.h"
#include "core/plan/plan_cells.h"
#include "core/runtime/backend.h"
#include "core/runtime/gpu_use.h"
#include "core/runtime/read_bandwidth.h"
#include "core/serve/access_token.h"
#include "core/serve/server.h"
#include "kernels/common/copy_speed.h"
#include "kernels/common/device.h"

namespace caldera::cli {

namespace {

constexpr int kDefaultChats = 4;

struct Options {
    EngineOptions engine;
    PreflightOptions preflight;
    std::string host = "127.0.0.1";
    std::vector<std::string> names;
    SwapPlaces swaps;
    int port = 8080;
    bool exitWithParent = false;
    bool readsToken = false;
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
        if (wakeUp_ < 0) {
            throw Error("serve.watch", "The end of standard input cannot be watched (" +
                                           systemReason(errno) +
                                           "). Close other programs, or start the server without "
                                           "--exit-with-parent.");
        }
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

/// The first line of standard input. It is read byte by byte, because what follows is not ours.
std::string readToken() {
    constexpr size_t kLeast = 16;
    constexpr size_t kMost = 512;
    std::string token;
    for (char letter = 0;
         token.size() <= kMost && ::read(STDIN_FILENO, &letter, 1) == 1 && letter != '\n';) {
        token += letter;
    }
    if (token.ends_with('\r')) {
        token.pop_back();
    }
    const auto isPlain = [](unsigned char letter) { return letter > ' ' && letter < 127; };
    if (token.size() < kLeast || token.size() > kMost ||
        !std::all_of(token.begin(), token.end(), isPlain)) {
        throw UsageError("serve.token",
                         "The first line of standard input is no token: " + std::to_string(kLeast) +
                             " to " + std::to_string(kMost) +
                             " letters, digits and marks without spaces were needed.");
    }
    return token;
}

/// The token of a server that is a job, where only its owner can read it; gone when it ends.
class TokenFile {
public:
    TokenFile(const std::filesystem::path& job, const std::string& token)
        : path_(job / "access-token") {
        std::filesystem::remove(path_);
        const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        const bool isWritten = file >= 0 && ::write(file, token.data(), token.size()) ==
                                                static_cast<ssize_t>(token.size());
        if (file >= 0) {
            ::close(file);
        }
        if (!isWritten) {
            throw Error("file.write", path_.string() + " cannot be written. Make its folder one "
                                                       "that you can write to.");
        }
    }
    ~TokenFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    TokenFile(const TokenFile&) = delete;
    TokenFile& operator=(const TokenFile&) = delete;

private:
    std::filesystem::path path_;
};

/// An engine's memory with so many chats at once and bits of keys and values.
MemoryNeed memoryOf(const Artifact& artifact, const EngineSettings& settings, Processor on) {
    const GpuLoad load{settings.contextLength, settings.chats,
                       settings.activationBits > 0 ? settings.activationBits
                                                   : GpuLoad().activationBits};
    return on == Processor::Cpu
               ? serveMemory(artifact.config(), artifact.fileBytes(), load)
               : serveMemoryOnGpu(artifact.plan(), PlanCells(artifact.plan(), artifact.config()),
                                  load, settings.cacheBits);
}

PlannedWork plannedWork(const EngineOptions& engine) {
    const auto artifact = openServed(engine.artifact);
    const EngineSettings settings = engine.completeFor(*artifact);
    requireSettings(*artifact, settings); // what cannot begin does not fit
    PlannedWork work;
    work.kind = "serve";
    work.device = runsOnGpu(settings) ? "cuda" : "cpu";
    const Processor on = processorOf(work.device);
    work.memory = memoryOf(*artifact, settings, on);
    const auto offer = [&](const std::string& change, const EngineSettings& changed) {
        work.smaller.push_back({change, memoryOf(*artifact, changed, on)});
    };
    EngineSettings changed = settings;
    if (on == Processor::Gpu && settings.cacheBits > 8) {
        changed.cacheBits = 8;
        offer("--kv-bits 8", changed);
    }
    changed.chats = 1;
    std::string change =
        std::string(changed.cacheBits < settings.cacheBits ? "--kv-bits 8 " : "") + "--chats 1";
    offer(change, changed);
    constexpr int kShortest = 1024;
    for (changed.contextLength /= 2; changed.contextLength >= kShortest;
         changed.contextLength /= 2) {
        offer(change + " --context " + std::to_string(changed.contextLength), changed);
    }
    return work;
}

ServeOptions serveOptionsOf(const Options& options) {
    ServeOptions result;
    result.host = options.host;
    result.port = options.port;
    result.names = options.names;
    result.swaps = options.swaps;
    result.token = options.readsToken ? readToken() : randomAccessToken();
    return result;
}

/// What whoever started the server reads from its standard output.
nlohmann::json listeningLine(const std::string& host, int port, const std::string& url,
                             const Engine& engine) {
    return {{"event", "listening"},
            {"host", host},
            {"port", port},
            {"url", url},
            {"model", engine.artifact().name()},
            {"context", engine.contextLength()},
            {"chats", engine.statistics().chats}};
}

void run(const Options& options, Invocation& invocation) {
    if (!options.preflight.mayBegin(plannedWork(options.engine), invocation)) {
        return;
    }
    ServeOptions serveOptions = serveOptionsOf(options);
    std::stop_source source;
    const std::stop_callback outer(invocation.stop, [&source] { source.request_stop(); });
    std::optional<ParentWatch> parent;
    if (options.exitWithParent) {
        parent.emplace(source);
    }
    std::optional<TokenFile> tokenFile;
    if (invocation.job && !options.readsToken) {
        tokenFile.emplace(*invocation.job, serveOptions.token);
    }
    invocation.progress.stage("open");
    const std::shared_ptr<Engine> engine = options.engine.open(source.get_token());
    const bool isGpu = engine->statistics().deviceBytes > 0;
    serveOptions.measureReadBandwidth = [isGpu, threads = options.engine.settings.threads] {
        return isGpu ? kernels::deviceCopySpeed() : measureReadBandwidth(threads);
    };
    const GpuMonitor monitor(kernels::cudaDevice().busId);
    if (isGpu) {
        serveOptions.gpuUse = [&monitor] { return monitor.read(); };
    }
    serveOptions.onListening = [&](int port, const std::string& url) {
        nlohmann::json line = listeningLine(serveOptions.host, port, url, *engine);
        if (!options.readsToken && !tokenFile) {
            line["token"] = serveOptions.token;
        }
        std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                  << std::endl;
    };
    serve(engine, serveOptions, invocation.progress, source.get_token());
}

} // namespace

void addServeCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("serve", "Answer OpenAI-compatible HTTP requests from a compressed model",
                     [options](Invocation& invocation) { run(*options, invocation); });
    options->engine.addTo(command);
    options->preflight.addTo(command);
    options->engine.settings.chats = kDefaultChats;
    command
        .add_option("--chats", options->engine.settings.chats,
                    "Requests that are answered at once; others wait")
        ->check(between(1, kMostChats))
        ->capture_default_str();
    command
        .add_option("--port", options->port,
                    "Port to listen on; 0 takes any free one and says which")
        ->check(between(0, 65535))
        ->capture_default_str();
    command
        .add_option("--host", options->host,
                    "Address to listen on; others than 127.0.0.1 let other machines connect")
        ->capture_default_str();
    command.add_option("--allow-host", options->names,
                       "Another name that the server is reached by; may be given several times");
    command
        .add_option("--original", options->swaps.original,
                    "The model that the artifact was made from, for clients that swap cells back; "
                    "default: the one that its plan names")
        ->type_name("MODEL");
    command
        .add_option("--swap-from", options->swaps.others,
                    "Another artifact of the same model that clients may swap cells from; may be "
                    "given several times")
        ->type_name("ARTIFACT");
    command.add_flag("--token-stdin", options->readsToken,
                     "Take the bearer token from the first line of standard input; without it a "
                     "random one is printed");
    command.add_flag("--exit-with-parent", options->exitWithParent,
                     "Stop when standard input, a pipe, is closed");
}

} // namespace caldera::cli
