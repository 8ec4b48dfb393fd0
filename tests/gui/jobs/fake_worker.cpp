// Plays the `caldera` program for tests. As a job: SCENARIO ... --job FOLDER; as an engine: serve
// ARTIFACT --port 0 --exit-with-parent, where the artifact's name is the scenario.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "core/job/job_folder.h"
#include "core/job/job_progress.h"
#include "core/model/module.h"

namespace {

using caldera::JobFolder;
using caldera::JobProgress;

struct Stopped {};

void pause(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

void finishCells(JobProgress& progress, const JobFolder& folder, int from, int until) {
    for (int i = from; i < until; ++i) {
        if (folder.cancelRequested()) {
            throw Stopped();
        }
        std::ofstream(folder.cells() / (std::to_string(i) + ".safetensors")) << "cell " << i;
        progress.event("cell", {{"layer", i / 7},
                                {"module", caldera::moduleName(caldera::kModules[i % 7])},
                                {"relative_error", 0.1},
                                {"bpw", 2.1},
                                {"seconds", 0.01},
                                {"reused", false}});
        progress.log("cell " + std::to_string(i));
        progress.advance(i + 1, until);
        pause(2);
    }
}

void play(const std::string& scenario, JobProgress& progress, const JobFolder& folder) {
    progress.stage("decompose");
    if (scenario == "cells") {
        finishCells(progress, folder, 0, 21);
        progress.event("artifact", {{"path", folder.out().string()}, {"hash", "abc123"}});
    } else if (scenario == "nothing") {
        progress.event(
            "artifact",
            {{"path", folder.out().string()}, {"hash", std::string(64, 'a')}, {"bytes", 7}});
    } else if (scenario == "two-parts") {
        finishCells(progress, folder, 0, 20);
        while (!std::filesystem::exists(folder.path() / "go")) {
            pause(5);
        }
        finishCells(progress, folder, 20, 40);
    } else if (scenario == "fidelity") {
        finishCells(progress, folder, 0, 560);
    } else if (scenario == "endless") {
        for (int i = 0; !folder.cancelRequested(); ++i) {
            finishCells(progress, folder, i % 560, i % 560 + 1);
        }
        throw Stopped();
    } else if (scenario == "stall") {
        while (!folder.cancelRequested()) {
            pause(5);
        }
        throw Stopped();
    } else if (scenario == "crash") {
        finishCells(progress, folder, 0, 3);
        std::signal(SIGABRT, SIG_DFL);
        std::raise(SIGKILL);
    }
}

int work(const std::string& scenario, const std::filesystem::path& path) {
    const JobFolder folder(path);
    const caldera::JobLock lock(folder);
    caldera::EventWriter events(folder.events(), folder.spec().id);
    events.write("hello", {{"pid", ::getpid()}});
    JobProgress progress(folder, events);
    try {
        if (scenario == "fail") {
            events.write("error", {{"code", "model.missing"}, {"message", "There is no model."}});
            progress.end("failed", "There is no model.", "model.missing");
            return 1;
        }
        play(scenario, progress, folder);
        progress.end("done", "", "");
        return 0;
    } catch (const Stopped&) {
        progress.end("cancelled", "Cancelled.", "cancelled");
        return 130;
    }
}

int serve(const std::vector<std::string>& words) {
    const std::filesystem::path artifact = words[1];
    std::string token;
    if (std::find(words.begin(), words.end(), "--token-stdin") == words.end() ||
        !std::getline(std::cin, token) || token.size() != 64) {
        std::cerr << "caldera: no token came\n";
        return 2;
    }
    const std::string scenario = artifact.filename().string();
    if (scenario == "broken") {
        std::cerr << "loading\ncaldera: The artifact has a flipped byte in tensor 3. Compress the "
                     "model again.\n";
        return 1;
    }
    const bool forces = std::find(words.begin(), words.end(), "--force") != words.end();
    if (scenario.starts_with("tight") && !forces) {
        std::cerr << "caldera: This needs about 20 GiB of memory, and 8 GiB are free. Close other "
                     "programs, or choose a machine with more. --force begins all the same.\n";
        return 1;
    }
    if (scenario == "endless") { // of a score
        std::cerr << "caldera: The engine cannot run this model.\n";
        return 1;
    }
    if (scenario == "killed") {
        std::raise(SIGKILL);
    }
    const bool onCpu = std::find(words.begin(), words.end(), "cpu") != words.end();
    std::cout << R"({"event":"stage","stage":"map weights)" << (onCpu ? " on cpu" : "") << "\"}"
              << std::endl;
    std::cout << R"({"event":"progress","done":1,"total":4})" << std::endl;
    if (scenario != "slow") {
        const std::string port = scenario.substr(scenario.find('-') + 1);
        std::cout << R"({"event":"listening","host":"127.0.0.1","port":)" << port << "}"
                  << std::endl;
    }
    for (std::string line; std::getline(std::cin, line);) {
    }
    return 0;
}

/// Scores the tokens that are asked for, in two steps; all find " two" (2) likeliest.
int score(const std::string& model) {
    const std::string request(std::istreambuf_iterator<char>(std::cin), {});
    if (model.ends_with("broken")) {
        std::cout << R"({"error": {"message": "The model has no layer 3. Fetch it again."}})"
                  << std::endl;
        return 1;
    }
    std::cout << R"({"event":"progress","done":1,"total":2})" << std::endl;
    if (model.ends_with("endless")) {
        std::this_thread::sleep_for(std::chrono::minutes(1));
    }
    const std::map<int, std::string> words{{10, " red"}, {11, " blue"}, {12, " sky"}};
    const auto asked = nlohmann::json::parse(request);
    auto tokens = nlohmann::json::array();
    for (const auto& id : asked.at("tokens")) {
        const nlohmann::json two = {{"id", 2}, {"token", " two"}, {"logprob", -0.5}};
        tokens.push_back({{"id", id},
                          {"token", words.at(id.get<int>())},
                          {"logprob", -1.5},
                          {"top_logprobs", nlohmann::json::array({two})}});
    }
    std::cout << nlohmann::json{{"object", "caldera.scores"}, {"tokens", tokens}} << std::endl;
    return 0;
}

/// A sweep of two points.
int bench(const std::string& artifact) {
    if (artifact.ends_with("broken")) {
        std::cerr << "measure  [###---]  50 %  eta 3 s\ncaldera: The artifact is damaged. "
                     "Compress the model again.\n";
        return 1;
    }
    const double speed = artifact.ends_with("slow") ? 80 : 100;
    auto points = nlohmann::json::array();
    for (const int chats : {1, 4}) {
        points.push_back({{"prompt_tokens", 128},
                          {"chats", chats},
                          {"time_to_first_token", 0.05},
                          {"prompt_tokens_per_second", 2500.0},
                          {"tokens_per_second", chats * speed},
                          {"p50", 1 / speed},
                          {"p95", 1.1 / speed},
                          {"p99", 1.5 / speed},
                          {"roofline_share", 0.4}});
    }
    std::cout << nlohmann::json{{"model", "demo"},   {"artifact", "abc"},
                                {"device", "cpu"},   {"weight_bytes", 50000000},
                                {"device_bytes", 0}, {"read_bytes_per_second", 12.5e9},
                                {"points", points}}
                     .dump(2)
              << std::endl;
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 2) {
        return 2;
    }
    if (words[0] == "serve") {
        return serve(words);
    }
    if (words[0] == "bench" && words.size() > 2) {
        return bench(words[2]);
    }
    if (words[0] == "score") {
        return score(words[1]);
    }
    if (words[0] == "refuse") {
        std::cerr << "caldera: --plan: file does not exist. Name one that does.\n";
        return 2;
    }
    if (words[0] == "silent") {
        return 1;
    }
    return work(words[0], words.back());
}
