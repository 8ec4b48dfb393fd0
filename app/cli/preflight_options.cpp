#include "app/cli/preflight_options.h"

#include <algorithm>
#include <iostream>
#include <string_view>
#include <thread>

#include <ATen/Parallel.h>

#include "core/job/job_folder.h"
#include "kernels/common/device.h"

namespace caldera::cli {

namespace {

int deviceIndex(std::string_view device) {
    const size_t colon = device.find(':');
    return colon == std::string_view::npos
               ? 0
               : std::atoi(std::string(device.substr(colon + 1)).c_str());
}

MachineRoom roomFor(const std::string& device) {
    MachineRoom room = readMachine();
    if (processorOf(device) == Processor::Gpu) {
        const kernels::CudaDevice gpu = kernels::cudaDevice(deviceIndex(device));
        if (gpu.memoryBytes > 0) {
            room.gpu = {gpu.name, gpu.memoryBytes, gpu.freeMemoryBytes};
        }
    }
    return room;
}

SpeedKey keyOf(const PlannedWork& work, const MachineRoom& room) {
    return {work.kind, room.gpu ? room.gpu->name : processorPlace(at::get_num_threads())};
}

/// Whether somebody let the job wait: its seconds are not those of its work.
bool wasPaused(const Invocation& invocation) {
    if (!invocation.job) {
        return false;
    }
    const std::vector<Event> events = EventReader(JobFolder(*invocation.job).events()).poll();
    return std::any_of(events.begin(), events.end(),
                       [](const Event& event) { return event.body.value("paused", false); });
}

std::string sentence(const Preflight& checked) {
    std::string text = "Needs";
    for (const PreflightItem& item : checked.items) {
        text += (&item == &checked.items.front() ? " " : ", ") + item.text(item.needed) + " of " +
                (item.name == "gpu-memory" ? "GPU memory" : item.name) + " (" +
                item.text(item.available) + " free)";
    }
    return text + "; takes " + timeText(checked.time) + '.';
}

} // namespace

void PreflightOptions::addTo(CLI::App& command) {
    command.add_flag("--check", checks,
                     "Only say what memory, disk and time it takes, and whether it fits here");
    command.add_flag("--force", forces, "Begin even where it does not seem to fit");
}

bool PreflightOptions::mayBegin(const PlannedWork& work, Invocation& invocation) const {
    const MachineRoom room = roomFor(work.device);
    const TimeEstimate time =
        SpeedLog::ofThisMachine().estimate(keyOf(work, room), work.documentedSeconds);
    const Preflight checked = preflight({work.memory, work.disk, time}, room, work.smaller);
    if (checks) {
        std::cout << (invocation.json ? jsonText(checked.json()) + "\n" : checked.text());
        return false;
    }
    if (!forces) {
        requireFit(checked);
    }
    if (invocation.job) {
        invocation.progress.log(sentence(checked));
    }
    return true;
}

Processor processorOf(const std::string& device) {
    return device == "cpu" ? Processor::Cpu : Processor::Gpu;
}

int computingThreads(int chosen) {
    return chosen > 0 ? chosen : at::get_num_threads();
}

void rememberSpeed(const PlannedWork& work, double seconds, Invocation& invocation) {
    if (wasPaused(invocation)) {
        return;
    }
    const SpeedKey key = keyOf(work, roomFor(work.device));
    SpeedLog::ofThisMachine().add(key, work.documentedSeconds, seconds);
    if (invocation.job && work.documentedSeconds > 0) {
        invocation.progress.event("speed", {{"kind", key.kind},
                                            {"place", key.place},
                                            {"estimated", work.documentedSeconds},
                                            {"seconds", seconds}});
    }
}

} // namespace caldera::cli
