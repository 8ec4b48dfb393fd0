// Starts the worker of a job so that it outlives whoever started it.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "core/job/job_folder.h"

namespace caldera {

/// Starts `program` with the arguments of the folder's job.json and --job, in a session of its own,
/// without any of the caller's open files. Its output goes to worker.out and worker.err in the
/// folder. Returns its process id once the program runs; throws Error("job.no-worker") when it
/// cannot be run.
pid_t startWorker(const JobFolder& folder, const std::filesystem::path& program);

/// Whether a process of this id runs; one that ended and was not collected does not.
bool processRuns(pid_t process);

/// The last line that a worker wrote on stderr, without the program's name; empty when it wrote
/// none.
std::string lastWords(const JobFolder& folder);

/// Puts a job that is not at work back to "queued", with no request left: what stands before
/// startWorker().
void queueAgain(const JobFolder& folder);

/// Whether the worker `process` has ended without a first state; the job is then marked as failed
/// with its last words. False once it has spoken, and while it may still speak.
bool settleUnstarted(const JobFolder& folder, pid_t process);

} // namespace caldera
