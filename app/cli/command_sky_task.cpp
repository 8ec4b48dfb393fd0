// caldera sky-task
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string_view>

#include "app/cli/command.h"
#include "app/cli/plan_file.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/export/sky_task.h"

namespace caldera::cli {

namespace {

struct SkyOptions {
    SkyTask task;
    std::string out;
    const CLI::App* program = nullptr; ///< whose commands the task runs
};

/// "--plan=a.yaml" as two words.
std::vector<std::string> separated(const std::vector<std::string>& words) {
    std::vector<std::string> all;
    for (const std::string& word : words) {
        const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
        all.push_back(word.substr(0, equals));
        if (equals != std::string::npos) {
            all.push_back(word.substr(equals + 1));
        }
    }
    return all;
}

const CLI::App& commandOf(const CLI::App& program, const std::string& name) {
    for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
        if (command->get_name() == name) {
            return *command;
        }
    }
    throw UsageError("usage", '`' + name + "` is no command of caldera. See `caldera --help`.");
}

/// Whether the command reads the file that this option names.
bool readsFile(const CLI::Option& option) {
    constexpr std::array<std::string_view, 3> kWritten{"--out", "--report", "--lens-json"};
    return option.get_type_name().starts_with("FILE") &&
           std::find(kWritten.begin(), kWritten.end(), option.get_name()) == kWritten.end();
}

void requireFile(const std::string& option, const std::string& file) {
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(file, unknown)) {
        throw Error("sky.file",
                    option + " of the task names " + file +
                        ", which is no file here; the task would fail on the machine that is "
                        "rented for it. Name a file of this machine, which then travels along.",
                    {{"option", option}, {"file", file}});
    }
}

/// A text that only the plan names does not travel.
void requirePlan(const std::string& file, bool namesText) {
    const std::string text = readPlanFile(file).calibration.text;
    if (!namesText && text != "builtin" && !std::filesystem::path(text).is_absolute()) {
        throw Error("sky.file",
                    "The plan " + file + " calibrates on " + text +
                        ", which does not travel with the task. Name it with --calibration-text "
                        "too.",
                    {{"option", "--calibration-text"}, {"file", text}});
    }
}

/// What the command of the task would miss on the other machine is told here.
void requireFiles(const CLI::App& program, const std::vector<std::string>& words) {
    const CLI::App& command = commandOf(program, words.front());
    const bool namesText =
        std::find(words.begin(), words.end(), "--calibration-text") != words.end();
    const CLI::Option* reading = nullptr; // the option whose files come next
    for (const std::string& word : words) {
        if (word.starts_with("--")) {
            const CLI::Option* option = command.get_option_no_throw(word);
            reading = option != nullptr && readsFile(*option) ? option : nullptr;
        } else if (reading != nullptr && word != "builtin") {
            requireFile(reading->get_name(), word);
            if (reading->get_name() == "--plan") {
                requirePlan(word, namesText);
            }
            const bool takesMore = reading->get_expected_max() > 1;
            reading = takesMore ? reading : nullptr;
        }
    }
}

/// Words that name files of this machine travel with the task; folders would be models, which the
/// other machine fetches itself.
std::vector<std::string> filesAmong(const std::vector<std::string>& words) {
    std::vector<std::string> files;
    for (const std::string& word : words) {
        std::error_code unknown;
        const bool isNew = std::find(files.begin(), files.end(), word) == files.end();
        if (isNew && std::filesystem::is_regular_file(word, unknown)) {
            files.push_back(word);
        }
    }
    return files;
}

void runSky(SkyOptions options, const Invocation& invocation) {
    options.task.installScript = readTextFile(resourcesFolder() / "worker" / "install_worker.sh");
    options.task.arguments = separated(options.task.arguments);
    requireFiles(*options.program, options.task.arguments);
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
    sky->program = skyApp->get_parent();
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
            "COMMAND", task.arguments,
            "After --: a command of caldera and its arguments; files it names travel along")
        ->required()
        ->type_name("WORDS");
}

} // namespace caldera::cli
