// What a machine has left for a new job.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace caldera {

struct GpuRoom {
    std::string name;
    int64_t totalBytes = 0;
    int64_t freeBytes = 0;
};

struct MachineRoom {
    int cores = 0;
    int64_t memoryBytes = 0;     ///< of the machine, or that this process may have
    int64_t freeMemoryBytes = 0; ///< that a new program can have without others being pushed out
    std::optional<GpuRoom> gpu;  ///< that the job would use; filled in by whoever knows CUDA
};

/// Where the kernel tells; other places only for tests.
struct MachineFiles {
    std::filesystem::path proc = "/proc";
    std::filesystem::path cgroups = "/sys/fs/cgroup";
};

/// Processors and memory as this process may use them: limits of its control group (a container, a
/// task of a scheduler) count, and what files keep in memory counts as free.
MachineRoom readMachine(const MachineFiles& files = {});

/// Threads that compute unless somebody asks for another number: OMP_NUM_THREADS, else one for each
/// core that this process may use (clusters and containers give a part of a machine).
int usualThreads();

} // namespace caldera
