// The watchdog of a rented pod: ends its costs even when whoever rented it is gone.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/job/job_folder.h"
#include "core/watch/pod_api.h"

namespace caldera {

struct WatchLimits {
    double budget = 0;                       ///< US dollars for the present run of the pod; 0: none
    double idleSeconds = 900;                ///< without any sign of life of job or owner
    double fetchSeconds = 600;               ///< after the job's end, for its results to be fetched
    std::chrono::milliseconds every{15'000}; ///< between looks
    std::chrono::milliseconds farewell{60'000}; ///< for the worker to stop at its next step
};

enum class WatchVerdict { Keep, Completed, Idle, Budget };

/// What a look found.
struct WatchFacts {
    bool jobOver = false;    ///< done, failed, cancelled, or its worker died
    double quietSeconds = 0; ///< since job or owner last gave a sign of life
    double spent = 0;        ///< US dollars
    double hourlyPrice = 0;  ///< US dollars
};

/// Who hears the watchdog.
struct WatchVoice {
    std::function<void(const std::string&)> say; ///< gets a line for a log
    std::filesystem::path sign; ///< file that shows how it is (WatchSign); empty: none
};

/// Whether the pod must stop. The budget counts what the next look and the farewell will cost.
WatchVerdict watchVerdict(const WatchFacts& facts, const WatchLimits& limits);
const char* watchVerdictText(WatchVerdict verdict);

/// Watches until the pod has to stop, stops its worker and then the pod (or gives it back where it
/// cannot be stopped and the job lies on a network volume), and returns why once the provider says
/// that it costs nothing any more. What the provider does not answer is asked again for as long as
/// it takes; the time by this machine stands in for its clock meanwhile. A file `attended` in the
/// job's folder, touched, is the owner's sign of life. Throws Cancelled.
WatchVerdict watchPod(const JobFolder& folder, PodApi& api, const WatchLimits& limits,
                      const std::stop_token& stop, const WatchVoice& voice);

/// The values of `name` that a pod's first process was started with (at most one) from the bytes
/// of its /proc/PID/environ: an SSH login does not see them.
std::vector<std::string> variableIn(const std::string& environment, const std::string& name);

} // namespace caldera
