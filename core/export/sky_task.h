// A job as a task for SkyPilot, which rents from clouds that the studio does not know.
#pragma once

#include <string>
#include <vector>

namespace caldera {

/// What the task's YAML is made from.
struct SkyTask {
    std::string name = "caldera";          ///< letters, digits, "-", "." and "_", a letter first
    std::vector<std::string> accelerators; ///< "H100:1", tried by price; empty: a machine without
    std::string infra;                     ///< "runpod", "aws/us-east-1"; empty: any
    int diskGb = 256;
    double maxHourlyCost = 0;           ///< US dollars; 0: no ceiling
    int idleMinutes = 10;               ///< then the machine stops
    std::string workerUrl;              ///< of the bundle
    std::string workerHash;             ///< its SHA-256
    std::string installScript;          ///< text of resources/worker/install_worker.sh
    std::vector<std::string> arguments; ///< of `caldera`: "compress", "org/model", ...
    /// Files of this machine that the arguments name, each sent to a path below kSkyFiles; in the
    /// arguments the path there takes their place. No two of the same name.
    std::vector<std::string> files;
    bool needsHubToken = false; ///< HF_TOKEN, handed over with `sky launch --secret HF_TOKEN`
};

inline constexpr const char* kSkyFiles = "/tmp/caldera-files"; ///< where files lie on the machine

/// The YAML. Throws Error("sky.task") naming the field that SkyPilot would refuse.
std::string skyTaskYaml(const SkyTask& task);

} // namespace caldera
