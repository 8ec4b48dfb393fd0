// Whether a job fits a machine, said before anything is loaded or paid for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base/machine.h"
#include "core/preflight/memory_need.h"
#include "core/preflight/speed_log.h"

namespace caldera {

struct DiskNeed {
    std::filesystem::path path; ///< where the bytes will lie; need not exist
    int64_t bytes = 0;
};

/// What a job takes.
struct JobNeeds {
    MemoryNeed memory;
    std::vector<DiskNeed> disk;
    TimeEstimate time;
};

/// The job with one thing changed, as a person would say it: "--calibration-tokens 65536".
struct SmallerJob {
    std::string change;
    MemoryNeed memory;
};

/// One thing that the job needs, and what there is of it.
struct PreflightItem {
    std::string name;  ///< "memory", "gpu-memory", "disk"
    std::string place; ///< of "disk" a folder, of "gpu-memory" the GPU's name
    int64_t needed = 0;
    int64_t available = 0;
    bool fits() const { return needed <= available; }
    /// Bytes of it for people: of disks in thousands, of memory in powers of 1024.
    std::string text(int64_t bytes) const;
};

struct Preflight {
    std::vector<PreflightItem> items;
    TimeEstimate time;
    std::string advice; ///< what would fit; empty when the job does, or when nothing is known

    bool fits() const;
    /// The first thing that does not fit and what to do, as one sentence; empty when all does.
    std::string problem() const;
    /// For people, a line each: what is needed, what is there, how long it takes.
    std::string text() const;
    nlohmann::json json() const;
};

/// Places on one file system count together. Of `smaller`, in the order of what is given up least,
/// the first that fits becomes the advice.
Preflight preflight(const JobNeeds& needs, const MachineRoom& room,
                    const std::vector<SmallerJob>& smaller = {});

/// Throws Error("preflight.memory", "preflight.gpu-memory", "preflight.disk") with the problem.
void requireFit(const Preflight& preflight);

/// What preflight().json() wrote, read back. Throws Error("preflight.answer") for anything else.
Preflight preflightFromJson(const std::string& text);

/// "about 44 min 48 s, as measured in 3 runs here".
std::string timeText(const TimeEstimate& time);

} // namespace caldera
