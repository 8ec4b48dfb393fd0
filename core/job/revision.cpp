#include "core/job/revision.h"

#include <chrono>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/pause.h"
#include "core/job/shards.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr size_t kLongestPlan = 64U << 20;

[[noreturn]] void refuse(const char* code, const std::string& sentence, const JobFolder& folder) {
    throw Error(code, sentence, {{"folder", folder.path().string()}});
}

} // namespace

fs::path revisedPlanFile(const JobFolder& folder) {
    return folder.path() / "plan.yaml";
}

std::optional<std::string> revisedPlan(const JobFolder& folder) {
    const fs::path file = revisedPlanFile(folder);
    return fs::exists(file) ? std::optional(readTextFile(file, kLongestPlan)) : std::nullopt;
}

void revisePlan(const JobFolder& folder, const std::string& yaml) {
    const std::string kind = folder.spec().kind;
    if (kind != "compress") {
        refuse("job.revise-kind",
               "The job in " + folder.path().string() + " is of the kind " + kind +
                   "; only a compression follows a plan that can be changed.",
               folder);
    }
    if (folder.state().phase == "done") {
        refuse("job.revise-over",
               "The job in " + folder.path().string() +
                   " is done already. Start a new one with the changed plan.",
               folder);
    }
    for (const JobFolder& part : shardJobs(folder)) {
        writeFileAtomically(revisedPlanFile(part), yaml);
    }
    writeFileAtomically(revisedPlanFile(folder), yaml);
}

PlanWatch::PlanWatch(const JobFolder& folder, std::optional<std::string> plan,
                     const std::stop_token& outer)
    : folder_(folder), plan_(std::move(plan)), outer_(outer, [this] { source_.request_stop(); }),
      thread_([this](const std::stop_token& ended) { look(ended); }) {}

bool PlanWatch::hasChanged() const {
    return revisedPlan(folder_) != plan_;
}

void PlanWatch::look(const std::stop_token& ended) {
    fs::file_time_type seen{};
    for (pauseFor(kLookEvery, ended); !ended.stop_requested(); pauseFor(kLookEvery, ended)) {
        std::error_code error;
        const auto written = fs::last_write_time(revisedPlanFile(folder_), error);
        if (error || written == seen) {
            continue;
        }
        seen = written;
        if (hasChanged()) {
            source_.request_stop();
        }
    }
}

} // namespace caldera
