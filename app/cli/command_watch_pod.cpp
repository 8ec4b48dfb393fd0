#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <unistd.h>

#include "app/cli/command.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/folder_lock.h"
#include "core/job/watch_sign.h"
#include "core/watch/pod_watch.h"

namespace caldera::cli {

namespace {

constexpr const char* kKeyName = "RUNPOD_API_KEY";
constexpr double kSecondsPerMinute = 60;

struct Options {
    std::string folder;
    std::string pod;
    std::string url = "https://api.runpod.io/v2";
    double budget = 0;
    double idleMinutes = 15;
    double fetchMinutes = 10;
    double every = 15;
    double farewell = 60;
};

/// What the pod was started with: SSH logins do not inherit it.
std::string podEnvironment() {
    std::ifstream file("/proc/1/environ", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The provider's own key for this pod first (it can do least), then what the owner sent.
std::vector<std::string> keys(const std::string& environment) {
    std::vector<std::string> all = variableIn(environment, kKeyName);
    if (const char* key = std::getenv(kKeyName); key != nullptr && *key != '\0') {
        all.emplace_back(key);
    }
    std::string line;
    if (::isatty(STDIN_FILENO) == 0 && std::getline(std::cin, line)) {
        while (!line.empty() && line.back() <= ' ') {
            line.pop_back();
        }
        if (!line.empty()) {
            all.push_back(line);
        }
    }
    return all;
}

std::chrono::milliseconds span(double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

void run(const Options& options, const Invocation& invocation) {
    const JobFolder folder(std::filesystem::absolute(options.folder).lexically_normal());
    folder.spec(); // a folder that is no job is refused
    const std::string environment = podEnvironment();
    std::string pod = options.pod;
    if (pod.empty()) {
        const std::vector<std::string> own = variableIn(environment, "RUNPOD_POD_ID");
        pod = own.empty() ? pod : own.front();
    }
    // One that runs is enough: whoever reconnects starts another to be sure.
    const FolderLock only(folder.path() / ("watch-" + pod));
    PodApi api(options.url, pod, keys(environment));
    WatchLimits limits;
    limits.budget = options.budget;
    limits.idleSeconds = options.idleMinutes * kSecondsPerMinute;
    limits.fetchSeconds = options.fetchMinutes * kSecondsPerMinute;
    limits.every = span(options.every);
    limits.farewell = span(options.farewell);
    const auto say = [&](const std::string& sentence) {
        (invocation.json ? std::cerr : std::cout) << utcNow() << ' ' << sentence << std::endl;
    };
    say("watching " + folder.path().string() + " on pod " + pod);
    const WatchVerdict verdict =
        watchPod(folder, api, limits, invocation.stop, {say, watchSignFile(folder, pod)});
    if (invocation.json) {
        std::cout << jsonText({{"reason", watchVerdictText(verdict)}}) << '\n';
    }
}

} // namespace

void addWatchPodCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add(
        "watch-pod",
        "On a rented pod: stop it when its job is over or idle, or the budget is spent",
        [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("FOLDER", options->folder, "The job's folder")->required()->type_name("FOLDER");
    app.add_option("--pod", options->pod, "Its id (RUNPOD_POD_ID of the pod)")->type_name("ID");
    app.add_option("--budget", options->budget, "Most US dollars for this run of the pod; 0: any")
        ->check(notNegative());
    app.add_option("--idle-minutes", options->idleMinutes,
                   "Minutes without a sign of life after which it stops")
        ->check(positive())
        ->capture_default_str();
    app.add_option("--fetch-minutes", options->fetchMinutes,
                   "Minutes after the job's end, or after the owner was last there")
        ->check(notNegative())
        ->capture_default_str();
    app.add_option("--every", options->every, "Seconds between looks")
        ->check(positive())
        ->capture_default_str();
    app.add_option("--farewell", options->farewell,
                   "Seconds for the worker to stop at its next step")
        ->check(notNegative())
        ->capture_default_str();
    app.add_option("--url", options->url, "Address of the provider's API")->capture_default_str();
    app.footer("The API key comes from standard input (one line) or RUNPOD_API_KEY, never from the "
               "command line. The provider's own key for this pod is tried first.");
}

} // namespace caldera::cli
