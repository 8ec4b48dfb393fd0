#include "core/base/machine.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sched.h>
#include <sstream>
#include <string_view>
#include <thread>

namespace caldera {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kKiB = 1024;

/// The number behind `name` in lines of "NAME NUMBER"; nothing when it is not there.
std::optional<int64_t> numberBehind(const fs::path& file, std::string_view name) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
        if (line.starts_with(name)) {
            std::istringstream rest(line.substr(name.size()));
            int64_t number = 0;
            return rest >> number ? std::optional(number) : std::nullopt;
        }
    }
    return std::nullopt;
}

/// A file that holds one number; nothing for "max" and for one that is not there.
std::optional<int64_t> numberIn(const fs::path& file) {
    std::ifstream in(file);
    int64_t number = 0;
    return in >> number ? std::optional(number) : std::nullopt;
}

/// Where a hierarchy keeps the group of this process: "" and its path from the root.
fs::path groupOf(const fs::path& proc, std::string_view controller) {
    std::ifstream in(proc / "self" / "cgroup");
    std::string line;
    while (std::getline(in, line)) { // "4:memory:/a/b", or of version 2 "0::/a/b"
        const size_t name = line.find(':') + 1;
        const size_t path = line.find(':', name);
        if (path != std::string::npos && line.substr(name, path - name) == controller) {
            return fs::path(line.substr(path + 1)).relative_path();
        }
    }
    return {};
}

/// The names that one version of control groups gives to the same numbers.
struct GroupFiles {
    fs::path root;
    std::string_view controller;
    const char* limit;
    const char* used;
    const char* cache; ///< of memory.stat: files that give way
};

/// Lowers what is there to what the groups above this process leave it.
void applyGroups(const GroupFiles& files, const fs::path& proc, MachineRoom& room) {
    fs::path group = groupOf(proc, files.controller);
    for (bool isRoot = false; !isRoot; group = group.parent_path()) {
        isRoot = group.empty();
        const fs::path folder = files.root / group;
        const auto limit = numberIn(folder / files.limit);
        if (!limit) {
            continue;
        }
        const int64_t used = numberIn(folder / files.used).value_or(0) -
                             numberBehind(folder / "memory.stat", files.cache).value_or(0);
        room.memoryBytes = std::min(room.memoryBytes, *limit);
        room.freeMemoryBytes =
            std::clamp<int64_t>(*limit - std::max<int64_t>(used, 0), 0, room.freeMemoryBytes);
    }
}

} // namespace

MachineRoom readMachine(const MachineFiles& files) {
    MachineRoom room;
    room.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    const fs::path memory = files.proc / "meminfo";
    room.memoryBytes = numberBehind(memory, "MemTotal:").value_or(0) * kKiB;
    room.freeMemoryBytes = numberBehind(memory, "MemAvailable:").value_or(0) * kKiB;
    applyGroups({files.cgroups, "", "memory.max", "memory.current", "inactive_file "}, files.proc,
                room);
    applyGroups({files.cgroups / "memory", "memory", "memory.limit_in_bytes",
                 "memory.usage_in_bytes", "total_inactive_file "},
                files.proc, room);
    return room;
}

int usualThreads() {
    const char* wanted = std::getenv("OMP_NUM_THREADS"); // "4", or "4,2" for nested regions
    const int64_t threads = wanted == nullptr ? 0 : std::strtol(wanted, nullptr, 10);
    if (threads > 0) {
        return static_cast<int>(std::min<int64_t>(threads, std::numeric_limits<int>::max()));
    }
    cpu_set_t cores;
    const bool isKnown = ::sched_getaffinity(0, sizeof cores, &cores) == 0;
    return isKnown ? std::max(CPU_COUNT(&cores), 1)
                   : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

} // namespace caldera
