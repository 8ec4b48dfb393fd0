// caldera sky-task
#include <filesystem>
#include <iostream>
#include <memory>

#include "app/cli/command.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/export/sky_task.h"

namespace caldera::cli {

namespace {

struct SkyOptions {
    SkyTask task;
    std::string out;
};

/// Words that name files of this machine travel with the task; folders would be models, which the
/// other machine fetches itself.
std::vector<std::string> filesAmong(const std::vector<std::string>& words) {
    std::vector<std::string> files;
    for (const std::string& word : words) {
        std::error_code unknown;
        if (std::filesystem::is_regular_file(word, unknown)) {
            files.push_back(word);
        }
    }
    return files;
}

void runSky(SkyOptions options, const Invocation& invocation) {
    options.task.installScript = readTextFile(resourcesFolder() / "worker" / "install_worker.sh");
    options.task.files = filesAmong(options.task.arguments);
    const std::string yaml = skyTaskYaml(options.task);
    if (options.out.empty()) {
        std::cout << yaml;
        return;
    }
    writeFileAtomically(options.out, yaml);
    if (invocation.json) {
        std::cout << jsonText({{"path", options.out}}) << '\n';
    } else {
        std::cout << "Wrote " << options.out << ". Start it with: sky launch "
                  << (options.task.needsHubToken ? "--secret HF_TOKEN " : "") << options.out
                  << '\n';
    }
}

} // namespace

void addSkyTaskCommand(CommandLine& commands) {
    const auto sky = std::make_shared<SkyOptions>();
    CLI::App* skyApp =
        &commands.add("sky-task", "Write a job down as a task for SkyPilot, for clouds of its list",
                      [sky](Invocation& invocation) { runSky(*sky, invocation); });
    SkyTask& task = sky->task;
    skyApp->add_option("--name", task.name, "Name of the task")->capture_default_str();
    skyApp
        ->add_option("--gpu", task.accelerators,
                     "Kind and count, as H100:1 (repeatable: the cheapest)")
        ->type_name("GPU");
    skyApp->add_option("--infra", task.infra,
                       "Cloud, region or cluster, as runpod or aws/us-east-1");
    skyApp->add_option("--disk", task.diskGb, "GB of disk")
        ->check(positive())
        ->capture_default_str();
    skyApp->add_option("--max-hourly", task.maxHourlyCost, "Most US dollars an hour; 0: any")
        ->check(notNegative());
    skyApp->add_option("--idle-minutes", task.idleMinutes, "Idle minutes after which it stops")
        ->check(notNegative())
        ->capture_default_str();
    skyApp->add_option("--worker-url", task.workerUrl, "Address of a worker bundle")->required();
    skyApp->add_option("--worker-sha256", task.workerHash, "Its hash")->required();
    skyApp->add_flag("--hub-token", task.needsHubToken, "The model needs HF_TOKEN");
    skyApp->add_option("--out", sky->out, "File to write instead of stdout")->type_name("FILE");
    skyApp
        ->add_option(
            "command", task.arguments,
            "After --: a command of caldera and its arguments; files it names travel along")
        ->required()
        ->type_name("WORDS");
}

} // namespace caldera::cli
