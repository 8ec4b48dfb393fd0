#include "app/cli/engine_options.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/command.h"

namespace caldera::cli {

namespace {

/// A check of CLI11, whose answer is empty when all is well. Its own names types, not words.
std::function<std::string(const std::string&)> oneOf(std::vector<std::string> words) {
    return [words = std::move(words)](const std::string& given) {
        std::string known;
        for (const std::string& word : words) {
            if (word == given) {
                return std::string();
            }
            known += (known.empty() ? "" : &word == &words.back() ? " or " : ", ") + word;
        }
        return given + " was given; " + known + " was needed";
    };
}

} // namespace

EngineSettings::Device engineDevice(const std::string& name) {
    using Device = EngineSettings::Device;
    return name == "cuda" ? Device::Cuda : name == "cpu" ? Device::Cpu : Device::Auto;
}

void EngineOptions::addTo(CLI::App& command) {
    command
        .add_option("ARTIFACT", artifact,
                    "Folder of a compressed model, or a model as it is: a folder or a GGUF file")
        ->required()
        ->type_name("PATH");
    command
        .add_option("--context", settings.contextLength,
                    "Tokens that a conversation may have (default: what the model takes, at most " +
                        std::to_string(kDefaultContext) + ")")
        ->check(positive());
    command.add_option("--threads", settings.threads, "Threads that compute (default: all cores)")
        ->check(between(1, 1024));
    command.add_flag("--pinned", settings.isPinned,
                     "Keep each thread on one core: for a machine that does nothing else");
    command
        .add_option("--device", device,
                    "Where to compute: cpu, cuda, or auto, a GPU where there is one")
        ->type_name("NAME")
        ->check(oneOf({"auto", "cpu", "cuda"}))
        ->capture_default_str();
    command
        .add_option("--kv-bits", settings.cacheBits,
                    "Bits of keys and values on a GPU, 16 or 8; a CPU keeps them in 32")
        ->check(oneOf({"16", "8"}))
        ->capture_default_str();
    command
        .add_option("--activation-bits", settings.activationBits,
                    "Bits of the inputs that packed weights are multiplied with, 16 or 8 (default: "
                    "what the device does best)")
        ->check(oneOf({"16", "8"}));
    command.add_flag("--trust", trusted,
                     "Begin without comparing the artifact's checksums, which takes half a minute "
                     "where it is very large");
}

EngineSettings EngineOptions::completeFor(const Artifact& opened) const {
    EngineSettings complete = settings;
    complete.device = engineDevice(device);
    if (complete.contextLength == 0) {
        complete.contextLength = std::min(opened.config().maxPositions, kDefaultContext);
    }
    return complete;
}

std::unique_ptr<Engine> EngineOptions::open(const std::stop_token& stop) const {
    auto opened = openServed(artifact);
    if (!trusted) {
        opened->verify(stop);
    }
    const EngineSettings complete = completeFor(*opened);
    return Engine::open(std::move(opened), complete);
}

} // namespace caldera::cli
