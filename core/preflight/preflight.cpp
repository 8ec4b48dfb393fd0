#include "core/preflight/preflight.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/printable.h"
#include "core/base/text.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-preflight/1";

std::vector<PreflightItem> diskItems(const std::vector<DiskNeed>& needs) {
    std::vector<PreflightItem> items;
    std::vector<uint64_t> systems;
    for (const DiskNeed& need : needs) {
        const uint64_t system = fileSystemOf(need.path);
        const auto known = std::find(systems.begin(), systems.end(), system);
        if (known != systems.end()) {
            items[static_cast<size_t>(known - systems.begin())].needed += need.bytes;
            continue;
        }
        systems.push_back(system);
        items.push_back({"disk", need.path.string(), need.bytes,
                         static_cast<int64_t>(freeDiskBytes(need.path))});
    }
    return items;
}

std::vector<PreflightItem> memoryItems(const MemoryNeed& need, const MachineRoom& room) {
    std::vector<PreflightItem> items{{"memory", "", need.host, room.freeMemoryBytes}};
    if (need.gpu > 0) {
        items.push_back({"gpu-memory", room.gpu ? room.gpu->name : "", need.gpu,
                         room.gpu ? room.gpu->freeBytes : 0});
    }
    return items;
}

bool allFit(const std::vector<PreflightItem>& items) {
    return std::all_of(items.begin(), items.end(),
                       [](const PreflightItem& item) { return item.fits(); });
}

/// Where it is looked for, for sentences.
std::string placeText(const PreflightItem& item) {
    return item.name == "disk" ? "on the disk of " + item.place
           : item.name == "gpu-memory"
               ? "of GPU memory" + (item.place.empty() ? "" : " (" + item.place + ')')
               : "of memory";
}

const PreflightItem* firstMissing(const Preflight& preflight) {
    const auto missing = std::find_if(preflight.items.begin(), preflight.items.end(),
                                      [](const PreflightItem& item) { return !item.fits(); });
    return missing == preflight.items.end() ? nullptr : &*missing;
}

std::string usualAdvice(const PreflightItem& item) {
    return item.name == "disk" ? "Free some space there, or choose another folder."
           : item.name == "gpu-memory"
               ? "Close what uses the GPU, or choose a machine with a larger one."
               : "Close other programs, or choose a machine with more.";
}

} // namespace

std::string PreflightItem::text(int64_t bytes) const {
    const auto whole = static_cast<uint64_t>(std::max<int64_t>(bytes, 0));
    return name == "disk" ? byteText(whole) : memoryText(whole);
}

bool Preflight::fits() const {
    return allFit(items);
}

std::string Preflight::problem() const {
    const PreflightItem* missing = firstMissing(*this);
    if (missing == nullptr) {
        return {};
    }
    return "This needs about " + missing->text(missing->needed) + ' ' + placeText(*missing) +
           ", and " + missing->text(missing->available) + " are free. " +
           (advice.empty() ? usualAdvice(*missing) : advice);
}

std::string Preflight::text() const {
    std::string lines;
    for (const PreflightItem& item : items) {
        lines += item.text(item.needed) + ' ' + placeText(item) + ": " + item.text(item.available) +
                 " free, " + (item.fits() ? "fits" : "does not fit") + '\n';
    }
    return lines + "time: " + timeText(time) + '\n' + (fits() ? "It fits.\n" : problem() + "\n");
}

Json Preflight::json() const {
    Json list = Json::array();
    for (const PreflightItem& item : items) {
        list.push_back({{"name", item.name},
                        {"place", item.place},
                        {"needed", item.needed},
                        {"available", item.available},
                        {"fits", item.fits()}});
    }
    return {{"format", kFormat},
            {"fits", fits()},
            {"items", list},
            {"seconds", time.seconds},
            {"measured_runs", time.runs},
            {"advice", advice},
            {"problem", problem()}};
}

Preflight preflight(const JobNeeds& needs, const MachineRoom& room,
                    const std::vector<SmallerJob>& smaller) {
    Preflight result;
    result.items = memoryItems(needs.memory, room);
    const bool memoryFits = allFit(result.items);
    const std::vector<PreflightItem> disks = diskItems(needs.disk);
    result.items.insert(result.items.end(), disks.begin(), disks.end());
    result.time = needs.time;
    if (!memoryFits) {
        const auto fitting =
            std::find_if(smaller.begin(), smaller.end(), [&room](const SmallerJob& job) {
                return allFit(memoryItems(job.memory, room));
            });
        result.advice =
            fitting == smaller.end() ? "" : "It would fit with " + fitting->change + '.';
    }
    return result;
}

void requireFit(const Preflight& preflight) {
    if (const PreflightItem* missing = firstMissing(preflight)) {
        throw Error("preflight." + missing->name,
                    preflight.problem() + " --force begins all the same.",
                    {{"needed", missing->text(missing->needed)},
                     {"available", missing->text(missing->available)},
                     {"place", missing->place},
                     {"advice", preflight.advice}});
    }
}

Preflight preflightFromJson(const std::string& text) {
    try {
        const Json json = Json::parse(text);
        const auto format = json.at("format").get<std::string>();
        if (format != kFormat) {
            constexpr size_t kLongest = 100;
            throw Error("preflight.answer", "The answer has the format \"" +
                                                printable(format, kLongest) + "\"; " + kFormat +
                                                " was needed. Install the same version there.");
        }
        Preflight result;
        for (const Json& item : json.at("items")) {
            result.items.push_back(
                {item.at("name").get<std::string>(), item.at("place").get<std::string>(),
                 item.at("needed").get<int64_t>(), item.at("available").get<int64_t>()});
        }
        result.time = {json.at("seconds").get<double>(), json.at("measured_runs").get<int>()};
        result.advice = json.at("advice").get<std::string>();
        return result;
    } catch (const Json::exception&) {
        throw Error("preflight.answer", "The machine's answer to what the job needs cannot be "
                                        "read. Install the same version of caldera there.");
    }
}

std::string timeText(const TimeEstimate& time) {
    if (time.seconds < 0) {
        return "until it is stopped";
    }
    const std::string known =
        time.runs == 0   ? "a first guess by the documented rates, which may be off by a factor"
        : time.runs == 1 ? "as measured in an earlier run here"
                         : "as measured in " + std::to_string(time.runs) + " earlier runs here";
    return "about " + durationText(time.seconds) + ", " + known;
}

} // namespace caldera
