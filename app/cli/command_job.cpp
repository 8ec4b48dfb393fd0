// caldera job list | start | follow | pause | continue | cancel | revise
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "app/cli/command.h"
#include "app/cli/job_revise.h"
#include "app/cli/standard_streams.h"
#include "core/base/error.h"
#include "core/base/paths.h"
#include "core/base/printable.h"
#include "core/job/follow.h"
#include "core/job/job_start.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr auto kBeatEvery = std::chrono::seconds(2);
/// A reader on the other side of a network writes a line now and then; one that has been silent for
/// so long is gone, even when the network does not say so.
constexpr auto kPatience = std::chrono::seconds(60);

struct JobOptions {
    fs::path folder;
    int64_t offset = 0;
    std::string prefixHash;
    bool onlyNew = false;
    bool isScheduled = false;
    fs::path plan;
    bool waits = true;
};

JobFolder openFolder(const JobOptions& options) {
    JobFolder folder(fs::absolute(options.folder).lexically_normal());
    folder.spec();
    return folder;
}

Json describe(const JobFolder& folder) {
    const JobSpec spec = folder.spec();
    const JobState state = folder.state();
    return {{"folder", folder.path().string()},
            {"id", spec.id},
            {"kind", spec.kind},
            {"title", spec.title},
            {"created", spec.created},
            {"phase", folder.visiblePhase()},
            {"stage", state.stage},
            {"fraction", state.fraction},
            {"message", state.message}};
}

/// One job whose files are damaged hides none of the others.
Json describeInList(const JobFolder& folder) {
    try {
        return describe(folder);
    } catch (const Error& error) {
        return {{"folder", folder.path().string()},
                {"phase", "unreadable"},
                {"fraction", 0.0},
                {"title", error.what()},
                {"code", error.code()},
                {"message", error.what()}};
    }
}

/// Nobody has to have begun a job, but who names a folder means one that is there.
void requireReadable(const JobOptions& options, const fs::path& root) {
    std::error_code error;
    const fs::directory_iterator entries(root, error);
    if (error && !(options.folder.empty() && error == std::errc::no_such_file_or_directory)) {
        throw Error("job.list",
                    "Cannot list the jobs in " + root.string() + ": " + error.message() +
                        ". Name the folder that holds the folders of jobs.",
                    {{"folder", root.string()}, {"reason", error.message()}});
    }
}

void runList(const JobOptions& options, const Invocation& invocation) {
    constexpr size_t kLongestTitle = 200;
    const fs::path root = options.folder.empty() ? jobsFolder() : options.folder;
    requireReadable(options, root);
    Json all = Json::array();
    for (const JobFolder& folder : listJobs(root)) {
        all.push_back(describeInList(folder));
    }
    if (invocation.json) {
        std::cout << jsonText(all) << '\n';
        return;
    }
    if (all.empty()) {
        std::cout << "There is no job in " << root.string() << ".\n";
    }
    for (const Json& job : all) {
        std::printf("%-10s %3.0f %%  %s  %s\n", job["phase"].get<std::string>().c_str(),
                    100 * job["fraction"].get<double>(), job["folder"].get<std::string>().c_str(),
                    printable(job["title"].get<std::string>(), kLongestTitle).c_str());
    }
}

/// Returns once the worker has spoken, or has ended without a word.
void awaitFirstWord(const JobFolder& folder, pid_t worker, const std::stop_token& stop) {
    while (folder.state().phase == "queued" && !settleUnstarted(folder, worker)) {
        checkCancelled(stop);
        std::this_thread::sleep_for(kLookEvery / 4);
    }
    const JobState state = folder.state();
    if (state.code == "job.worker-ended") {
        throw Error(state.code, state.message);
    }
}

/// Starts the worker and returns once it has spoken. One that is killed before it could say
/// anything, by a machine that runs out of memory, say, is started once more.
void startAndHear(const JobFolder& folder, const fs::path& program, const std::stop_token& stop) {
    constexpr int kStarts = 2;
    for (int start = 1;; ++start) {
        queueAgain(folder);
        try {
            awaitFirstWord(folder, startWorker(folder, program), stop);
            return;
        } catch (const Error& error) {
            if (error.code() != "job.worker-ended" || !lastWords(folder).empty() ||
                start == kStarts) {
                throw;
            }
        }
    }
}

/// As the studio finds it: another one where a variable names it, else this program.
fs::path workerProgram() {
    const char* named = std::getenv("CALDERA_WORKER");
    return named != nullptr && *named != '\0' ? fs::path(named)
                                              : fs::read_symlink("/proc/self/exe");
}

void runStart(const JobOptions& options, const Invocation& invocation) {
    const JobFolder folder = openFolder(options);
    const std::string phase = folder.state().phase;
    const bool isDone = phase == "done" && folder.spec().kind != "serve"; // nothing is left to do
    if (!folder.workerAlive() && !isDone && !(options.onlyNew && phase != "queued")) {
        startAndHear(folder, workerProgram(), invocation.stop);
    }
    if (invocation.json) {
        std::cout << jsonText(describe(folder)) << '\n';
    } else {
        std::printf("%s  %s\n", folder.visiblePhase().c_str(), folder.path().c_str());
    }
}

/// Notices that the reader, which holds the other end of standard input, is gone.
class Reader {
public:
    Reader() {
        struct stat facts {};
        watched_ = ::fstat(STDIN_FILENO, &facts) == 0 &&
                   (S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode));
    }
    /// Waits for `kLookEvery`, less when the reader speaks.
    bool isThere() {
        pollfd input{watched_ ? STDIN_FILENO : -1, POLLIN, 0};
        if (::poll(&input, 1, static_cast<int>(kLookEvery.count())) > 0) {
            char letters[256];
            heard_ = Clock::now();
            return ::read(STDIN_FILENO, letters, sizeof(letters)) > 0;
        }
        return !watched_ || Clock::now() - heard_ < kPatience;
    }

private:
    bool watched_ = false;
    Clock::time_point heard_ = Clock::now();
};

void runFollow(const JobOptions& options, const Invocation& invocation) {
    JobFollower follower(openFolder(options), options.offset, options.prefixHash,
                         options.isScheduled);
    Reader reader;
    Clock::time_point told{};
    do {
        std::vector<FollowFrame> frames = follower.poll();
        if (frames.empty() && Clock::now() - told > kBeatEvery) {
            frames.push_back({});
        }
        for (const FollowFrame& frame : frames) {
            std::cout << encodeFrame(frame);
            if (frame.kind == FollowFrame::Kind::End) {
                flushOutput();
                return;
            }
        }
        if (!frames.empty()) {
            flushOutput();
            told = Clock::now();
        }
        checkCancelled(invocation.stop);
    } while (reader.isThere());
}

bool isOver(const JobFolder& folder) {
    return isFinalPhase(folder.state().phase) && !folder.workerAlive();
}

/// Asks the worker for something. Of a job that is over it says so and leaves nothing behind; that
/// is no failure, since a job may end while somebody reaches for it.
void steer(const JobFolder& folder, const Invocation& invocation,
           const std::function<void()>& request) {
    const bool wasQueued = folder.state().phase == "queued"; // a worker may be about to begin
    const bool wasOver = isOver(folder);
    if (!wasOver) {
        request();
        if (!wasQueued && isOver(folder)) { // before it looked
            folder.clearControl();
        }
    }
    if (invocation.json) {
        std::cout << jsonText(describe(folder)) << '\n';
    } else if (wasOver) {
        std::cout << "Nothing to do: the job in " << folder.path().string() << " is over ("
                  << folder.state().phase << ").\n";
    }
}

void runCancel(const JobOptions& options, const Invocation& invocation) {
    const JobFolder folder = openFolder(options);
    steer(folder, invocation, [&folder] {
        folder.requestCancel();
        JobState state = folder.state();
        if (state.phase == "queued" && !folder.workerAlive()) {
            state.phase = "cancelled"; // there is no worker yet that could say so
            folder.writeState(state);
        }
    });
}

void runPause(const JobOptions& options, const Invocation& invocation) {
    const JobFolder folder = openFolder(options);
    steer(folder, invocation, [&folder] { folder.requestPause(); });
}

void runContinue(const JobOptions& options, const Invocation& invocation) {
    const JobFolder folder = openFolder(options);
    steer(folder, invocation, [&folder] { folder.requestContinue(); });
}

void runRevise(const JobOptions& options, const Invocation& invocation) {
    const Revision revision = reviseJob(openFolder(options), options.plan);
    if (options.waits) {
        awaitRevision(revision, invocation.stop);
    }
    printRevision(revision, invocation);
}

} // namespace

void addJobCommand(CommandLine& commands) {
    using Run = std::function<void(const JobOptions&, const Invocation&)>;
    const auto options = std::make_shared<JobOptions>();
    const auto action = std::make_shared<Run>();
    CLI::App& job = commands.add(
        "job", "List, start, follow and steer jobs in their folders",
        [options, action](Invocation& invocation) { (*action)(*options, invocation); });
    job.require_subcommand(1);
    const auto addAction = [&](const char* name, const char* description, const Run& run) {
        CLI::App* app = job.add_subcommand(name, description);
        app->fallthrough();
        app->callback([action, run] { *action = run; });
        return app;
    };
    const auto addFolder = [&options](CLI::App* app) {
        app->add_option("FOLDER", options->folder, "Folder of the job")
            ->required()
            ->type_name("FOLDER");
    };
    addAction("list", "Print the jobs of this machine, newest first", runList)
        ->add_option("FOLDER", options->folder, "Folder of all jobs; default: this user's")
        ->type_name("FOLDER");
    CLI::App* start =
        addAction("start", "Start the worker of a job, which goes on by itself", runStart);
    addFolder(start);
    start->add_flag("--new", options->onlyNew, "Only when it was never started");
    CLI::App* follow =
        addAction("follow", "Tell what a job does, as a stream for programs (docs/formats/job.md)",
                  runFollow);
    addFolder(follow);
    follow->add_option("--from", options->offset, "Bytes of events.jsonl that the reader has")
        ->check(notNegative());
    follow->add_flag("--scheduled", options->isScheduled,
                     "A scheduler starts its worker: one that is not there is not lost");
    follow->add_option("--prefix", options->prefixHash, "SHA-256 of these bytes")
        ->type_name("HASH");
    addFolder(addAction("pause", "Let the worker wait at its next step", runPause));
    addFolder(addAction("continue", "Let a waiting worker go on", runContinue));
    addFolder(addAction("cancel", "Stop the worker; what is finished stays", runCancel));
    CLI::App* revise = addAction(
        "revise", "Give a compression another plan; finished cells that it leaves as they are stay",
        runRevise);
    addFolder(revise);
    revise->add_option("--plan", options->plan, "The plan from now on")
        ->required()
        ->type_name("FILE");
    revise->add_flag("!--no-wait", options->waits, "Do not wait until the worker has taken it up");
}

} // namespace caldera::cli
