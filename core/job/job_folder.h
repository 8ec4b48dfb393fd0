// A job is a folder: job.json, events.jsonl, state.json, control, lock, cells/, out/.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/job/event.h"

namespace caldera {

/// job.json: what to do, written by whoever creates the job.
struct JobSpec {
    std::string id;                     ///< uuid
    std::string kind;                   ///< "compress", "merge", "fidelity", "evaluate", "serve"
    std::string title;                  ///< for people
    std::vector<std::string> arguments; ///< of the `caldera` program, without --job
    std::string created;                ///< UTC, ISO 8601
};

/// state.json: where it stands, rewritten atomically by the worker.
struct JobState {
    /// queued preparing running paused fetching done cancelled failed lost
    std::string phase = "queued";
    std::string stage;
    double fraction = 0;    ///< 0 .. 1
    double etaSeconds = -1; ///< negative: unknown
    std::string message;    ///< the sentence of a failure
    std::string code;       ///< its error code
    std::string updated;    ///< UTC, ISO 8601
};

/// The bytes of job.json.
std::string specText(const JobSpec& spec);
/// The bytes of state.json, and back. Throws Error("job.newer", "job.state") naming `origin`.
std::string stateText(const JobState& state);
JobState parseState(const std::string& text, const std::filesystem::path& origin);

std::string newJobId(); ///< random uuid

/// Paths and small files of one job; no state of its own beyond the path.
class JobFolder {
public:
    /// Creates `root`/`spec.id` with job.json and state.json. Throws Error("job.*").
    static JobFolder create(const std::filesystem::path& root, JobSpec spec);
    explicit JobFolder(std::filesystem::path path) : path_(std::move(path)) {}

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path events() const { return path_ / "events.jsonl"; }
    std::filesystem::path cells() const { return path_ / "cells"; }
    std::filesystem::path out() const { return path_ / "out"; }

    /// Both throw Error("job.newer", "job.spec", "job.state"); a state not yet written is "queued".
    JobSpec spec() const;
    void writeSpec(const JobSpec& spec) const;
    JobState state() const;
    void writeState(const JobState& state) const;
    /// Asks the worker to stop ("cancel") or to wait ("pause"); the worker polls the file. A
    /// request to cancel is not taken back by one to pause.
    void requestCancel() const;
    void requestPause() const;
    /// Takes a request to pause back.
    void requestContinue() const;
    bool cancelRequested() const;
    bool pauseRequested() const;
    /// Forgets every request, once the worker has obeyed it.
    void clearControl() const;
    /// Whether a live process holds the lock.
    bool workerAlive() const;
    /// The phase a person should see: a running job whose worker died without a word is "lost".
    std::string visiblePhase() const;

private:
    std::filesystem::path path_;
};

/// All jobs under `root`, newest first; folders without a readable job.json are left out.
std::vector<JobFolder> listJobs(const std::filesystem::path& root);

/// The lock a worker holds while it lives (on the open file, so it dies with the process and can be
/// asked about without being taken). The file names the process. Throws Error("job.busy") when
/// another worker has it.
class JobLock {
public:
    explicit JobLock(const JobFolder& folder);
    ~JobLock();
    JobLock(const JobLock&) = delete;
    JobLock& operator=(const JobLock&) = delete;

private:
    int descriptor_ = -1;
};

} // namespace caldera
