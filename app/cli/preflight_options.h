// --check and --force of every command that computes: does the work fit this machine?
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "core/preflight/preflight.h"

namespace caldera::cli {

/// A command's work, before anything of it is loaded.
struct PlannedWork {
    std::string kind;   ///< "compress", "fidelity", "evaluate", "serve"
    std::string device; ///< "cpu", "cuda" or "cuda:N"
    MemoryNeed memory;
    std::vector<DiskNeed> disk;
    double documentedSeconds = -1; ///< by documented rates; negative: as long as it is wanted
    std::vector<SmallerJob> smaller;
};

struct PreflightOptions {
    bool checks = false; ///< only says what the work takes and whether it fits
    bool forces = false; ///< begins all the same

    void addTo(CLI::App& command);
    /// Whether the work is to be done now. Prints the answer for --check and tells a job what it
    /// will take. Throws Error("preflight.*") when it does not fit and is not forced.
    bool mayBegin(const PlannedWork& work, Invocation& invocation) const;
};

/// "cpu" to Cpu, else Gpu.
Processor processorOf(const std::string& device);
/// Threads that will compute.
int computingThreads(int chosen);
/// Keeps how long the work took, for the next estimate; a job tells it as well (event
/// "speed"). A run that was paused teaches nothing.
void rememberSpeed(const PlannedWork& work, double seconds, Invocation& invocation);

} // namespace caldera::cli
