#include "core/export/sky_task.h"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include <yaml-cpp/yaml.h>

#include "core/base/error.h"
#include "core/base/text.h"

namespace caldera {

namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& came,
                         const std::string& needed) {
    throw Error("sky.task", "The " + field + " of the SkyPilot task is \"" + came + "\"; " +
                                needed + " was needed.");
}

std::string remotePath(const std::string& file) {
    return std::string(kSkyFiles) + '/' + std::filesystem::path(file).filename().string();
}

void check(const SkyTask& task) {
    static const std::regex name("[A-Za-z][A-Za-z0-9._-]*");
    static const std::regex accelerator("[A-Za-z][A-Za-z0-9._-]*(:[1-9][0-9]*)?");
    static const std::regex hash("[0-9a-f]{64}");
    static const std::regex url("https?://[^\\s'\"]+");
    if (!std::regex_match(task.name, name)) {
        refuse("name", task.name, "a letter, then letters, digits, \"-\", \".\" or \"_\"");
    }
    for (const std::string& each : task.accelerators) {
        if (!std::regex_match(each, accelerator)) {
            refuse("accelerator", each, "a name with a count, like H100:1,");
        }
    }
    if (!std::regex_match(task.workerUrl, url)) {
        refuse("worker's address", task.workerUrl, "an address that begins with https://");
    }
    if (!std::regex_match(task.workerHash, hash)) {
        refuse("worker's hash", task.workerHash, "a SHA-256 of 64 digits");
    }
    if (task.arguments.empty()) {
        refuse("command", "", "a command of caldera, like compress MODEL --out FOLDER,");
    }
    std::set<std::string> paths;
    for (const std::string& file : task.files) {
        if (!paths.insert(remotePath(file)).second) {
            refuse("file", file, "a name that no other file of the task has");
        }
    }
    if (task.diskGb < 1 || task.idleMinutes < 0 || task.maxHourlyCost < 0) {
        refuse("disk, idle time or ceiling", "below its least", "a number of at least 0");
    }
}

std::string quoted(const std::string& word) {
    std::string text = "'";
    for (const char letter : word) {
        text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return text + "'";
}

std::string setupOf(const SkyTask& task) {
    return "cat >/tmp/install_worker.sh <<'END_OF_INSTALL_WORKER'\n" + task.installScript +
           "END_OF_INSTALL_WORKER\n"
           "sh /tmp/install_worker.sh --url \"$CALDERA_WORKER_URL\" "
           "--sha256 \"$CALDERA_WORKER_SHA256\"\n";
}

std::string runOf(const SkyTask& task) {
    std::string line = "exec ~/.local/share/caldera/workers/current/bin/caldera";
    for (const std::string& word : task.arguments) {
        const bool sent = std::find(task.files.begin(), task.files.end(), word) != task.files.end();
        line += ' ' + quoted(sent ? remotePath(word) : word);
    }
    return "mkdir -p ~/caldera-jobs\n" + line + " --job ~/caldera-jobs/" + task.name + '\n';
}

void emitResources(YAML::Emitter& out, const SkyTask& task) {
    out << YAML::Key << "resources" << YAML::Value << YAML::BeginMap;
    if (!task.infra.empty()) {
        out << YAML::Key << "infra" << YAML::Value << task.infra;
    }
    if (task.accelerators.size() == 1) {
        out << YAML::Key << "accelerators" << YAML::Value << task.accelerators.front();
    } else if (!task.accelerators.empty()) { // a mapping: SkyPilot takes the cheapest
        out << YAML::Key << "accelerators" << YAML::Value << YAML::BeginMap;
        for (const std::string& each : task.accelerators) {
            const size_t colon = each.find(':');
            out << YAML::Key << each.substr(0, colon) << YAML::Value
                << (colon == std::string::npos ? "1" : each.substr(colon + 1));
        }
        out << YAML::EndMap;
    }
    out << YAML::Key << "disk_size" << YAML::Value << task.diskGb;
    if (task.maxHourlyCost > 0) {
        out << YAML::Key << "max_hourly_cost" << YAML::Value << numberText(task.maxHourlyCost);
    }
    out << YAML::Key << "autostop" << YAML::Value << YAML::BeginMap << YAML::Key << "idle_minutes"
        << YAML::Value << task.idleMinutes << YAML::EndMap << YAML::EndMap;
}

} // namespace

std::string skyTaskYaml(const SkyTask& task) {
    check(task);
    YAML::Emitter out;
    out << YAML::BeginMap << YAML::Key << "name" << YAML::Value << task.name;
    emitResources(out, task);
    out << YAML::Key << "envs" << YAML::Value << YAML::BeginMap << YAML::Key << "CALDERA_WORKER_URL"
        << YAML::Value << task.workerUrl << YAML::Key << "CALDERA_WORKER_SHA256" << YAML::Value
        << YAML::DoubleQuoted << task.workerHash << YAML::EndMap;
    if (task.needsHubToken) { // without a value: SkyPilot asks for it at the launch
        out << YAML::Key << "secrets" << YAML::Value << YAML::BeginMap << YAML::Key << "HF_TOKEN"
            << YAML::Value << YAML::Null << YAML::EndMap;
    }
    if (!task.files.empty()) {
        out << YAML::Key << "file_mounts" << YAML::Value << YAML::BeginMap;
        for (const std::string& file : task.files) {
            out << YAML::Key << remotePath(file) << YAML::Value
                << std::filesystem::absolute(file).string();
        }
        out << YAML::EndMap;
    }
    out << YAML::Key << "setup" << YAML::Value << YAML::Literal << setupOf(task) << YAML::Key
        << "run" << YAML::Value << YAML::Literal << runOf(task) << YAML::EndMap;
    return std::string("# For SkyPilot: sky launch ") +
           (task.needsHubToken ? "--secret HF_TOKEN " : "") + "FILE\n" + out.c_str() + '\n';
}

} // namespace caldera
