// What the watchdog of a rented pod leaves in the job's folder, for whoever wants to know how it
// is.
#pragma once

#include <filesystem>
#include <string>

#include "core/job/job_folder.h"

namespace caldera {

struct WatchSign {
    bool hasLooked = false; ///< at its pod, whether or not the provider answered
    std::string code;       ///< why the provider does not answer; empty: it does
    std::string sentence;   ///< the same for people
    std::string verdict;    ///< why it stops the pod ("budget"); empty: it does not

    bool operator==(const WatchSign&) const = default;
};

/// The name of the watchdog's file in a job's folder, and where it is.
std::string watchSignName(const std::string& pod);
std::filesystem::path watchSignFile(const JobFolder& folder, const std::string& pod);
/// JSON, and back. Throws Error("watch.sign").
std::string watchSignText(const WatchSign& sign);
WatchSign parseWatchSign(const std::string& text);

} // namespace caldera
