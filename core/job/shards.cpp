#include "core/job/shards.h"

#include <algorithm>
#include <string>

namespace caldera {

namespace {

namespace fs = std::filesystem;

/// Shares of a part's stages do not add up, so only whole parts and the one stage that takes the
/// time count.
double shareOf(const JobState& part) {
    return part.phase == "done" ? 1.0 : part.stage == "compress" ? part.fraction : 0.0;
}

JobState endedBy(const JobState& part, size_t number, size_t count) {
    JobState state = part;
    state.message =
        "Part " + std::to_string(number + 1) + " of " + std::to_string(count) + ": " + part.message;
    return state;
}

} // namespace

std::vector<JobFolder> shardJobs(const JobFolder& folder) {
    std::vector<JobFolder> jobs;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder.path() / "shards", error)) {
        if (entry.path().extension() == ".job") {
            jobs.emplace_back(entry.path());
        }
    }
    std::sort(jobs.begin(), jobs.end(), [](const JobFolder& a, const JobFolder& b) {
        const std::string left = a.path().stem();
        const std::string right = b.path().stem();
        return left.size() != right.size() ? left.size() < right.size() : left < right;
    });
    return jobs;
}

JobState gatheredState(const JobFolder& folder) {
    JobState state = folder.state();
    const std::vector<JobFolder> parts = shardJobs(folder);
    if (state.phase != "queued" || parts.empty()) {
        return state;
    }
    double share = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
        const JobState part = parts[i].state();
        if (part.phase == "failed" || part.phase == "cancelled") {
            return endedBy(part, i, parts.size());
        }
        state.phase = part.phase == "queued" ? state.phase : "running";
        share += shareOf(part);
        state.etaSeconds = std::max(state.etaSeconds, part.etaSeconds);
    }
    state.stage = "parts";
    state.fraction = share / static_cast<double>(parts.size());
    return state;
}

} // namespace caldera
