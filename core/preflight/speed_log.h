// How long earlier jobs took on this machine, beside what was estimated for them: by it the next
// estimate is corrected.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace caldera {

/// What a time depends on besides the work: the command, and where it computes.
struct SpeedKey {
    std::string kind;  ///< "compress", "fidelity", "evaluate"
    std::string place; ///< "cpu, 2 threads", "NVIDIA H100"
};

/// Seconds, and how they are known.
struct TimeEstimate {
    double seconds = -1; ///< negative: as long as it is wanted
    int runs = 0;        ///< earlier runs here that it was corrected by; 0: documented rates alone
};

/// What runs at one place took beside what was estimated for them.
struct SpeedRatio {
    double ratio = 1; ///< median of measured over estimated seconds
    int runs = 0;
    /// `documentedSeconds` as these runs correct them; negative ones stay.
    TimeEstimate correct(double documentedSeconds) const;
};

/// The place of work without a GPU: "cpu, 2 threads".
std::string processorPlace(int threads);

/// A file of JSON lines, `speeds.jsonl` in the state folder (docs/preflight.md).
class SpeedLog {
public:
    explicit SpeedLog(std::filesystem::path file) : file_(std::move(file)) {}
    /// In this user's state folder.
    static SpeedLog ofThisMachine();

    /// Keeps what a whole run took; the oldest lines of a long file go. A log that cannot be
    /// written keeps nothing: it is no reason for a finished job to fail.
    void add(const SpeedKey& key, double estimatedSeconds, double seconds) const;
    /// Of the last runs of this kind, by place.
    std::map<std::string, SpeedRatio> ratios(const std::string& kind) const;
    /// `documentedSeconds` times the median of measured over documented of the last runs.
    TimeEstimate estimate(const SpeedKey& key, double documentedSeconds) const;

private:
    std::filesystem::path file_;
};

} // namespace caldera
