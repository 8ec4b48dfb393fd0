#include "core/job/job_start.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "core/base/error.h"

namespace caldera {

namespace {

constexpr std::streamoff kLastWords = 4096; // bytes of worker.err that may become a sentence

/// What the new process tells: its id, or why there is none.
struct Answer {
    pid_t process = 0;
    int error = 0;
};

/// What the child needs, made before the fork: after it only calls that are safe in a signal
/// handler are allowed, because the caller may have threads.
struct Start {
    std::string program;
    std::string out;
    std::string err;
    std::vector<char*> words;
    int answer = -1;
};

void tell(int descriptor, const Answer& answer) {
    const ssize_t written = ::write(descriptor, &answer, sizeof(answer));
    (void)written; // nobody is left to hear of it
}

bool redirect(const char* path, int flags, int target) {
    const int descriptor = ::open(path, flags, 0644);
    return descriptor >= 0 && ::dup2(descriptor, target) >= 0;
}

[[noreturn]] void becomeWorker(const Start& start) {
    ::setsid();
    const int append = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    const bool ready = redirect("/dev/null", O_RDONLY | O_CLOEXEC, STDIN_FILENO) &&
                       redirect(start.out.c_str(), append, STDOUT_FILENO) &&
                       redirect(start.err.c_str(), append, STDERR_FILENO);
    if (ready) {
        // An inherited pipe would keep whoever reads it waiting for the worker's end.
        const int limit = static_cast<int>(::sysconf(_SC_OPEN_MAX));
        const int highest = limit < 0 || limit > 4096 ? 4096 : limit;
        for (int descriptor = STDERR_FILENO + 1; descriptor < highest; ++descriptor) {
            if (descriptor != start.answer) {
                ::close(descriptor);
            }
        }
        tell(start.answer, {::getpid(), 0});
        ::execv(start.program.c_str(), start.words.data());
    }
    tell(start.answer, {0, errno});
    ::_exit(127);
}

/// Forks twice: the worker belongs to init and leaves no zombie behind.
void forkWorker(const Start& start) {
    const pid_t between = ::fork();
    if (between == 0) {
        const pid_t worker = ::fork();
        if (worker == 0) {
            becomeWorker(start);
        }
        if (worker < 0) {
            tell(start.answer, {0, errno});
        }
        ::_exit(0);
    }
    if (between < 0) {
        tell(start.answer, {0, errno});
        return;
    }
    while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
    }
}

/// The last word counts: a process that was there and could not run the program tells both.
Answer hear(int descriptor) {
    Answer last;
    Answer next;
    while (::read(descriptor, &next, sizeof(next)) == static_cast<ssize_t>(sizeof(next))) {
        last = next;
    }
    return last;
}

} // namespace

pid_t startWorker(const JobFolder& folder, const std::filesystem::path& program) {
    std::vector<std::string> words = folder.spec().arguments;
    words.insert(words.begin(), program.string());
    words.insert(words.end(), {"--job", folder.path().string()});
    Start start;
    start.program = program.string();
    start.out = (folder.path() / "worker.out").string();
    start.err = (folder.path() / "worker.err").string();
    for (std::string& word : words) {
        start.words.push_back(word.data());
    }
    start.words.push_back(nullptr);
    std::array<int, 2> pipe{};
    Answer answer;
    if (::pipe2(pipe.data(), O_CLOEXEC) == 0) {
        start.answer = pipe[1];
        forkWorker(start);
        ::close(pipe[1]);
        answer = hear(pipe[0]);
        ::close(pipe[0]);
    } else {
        answer.error = errno;
    }
    if (answer.process == 0) {
        const std::string reason = std::strerror(answer.error); // NOLINT(concurrency-mt-unsafe)
        throw Error("job.no-worker",
                    "The worker " + program.string() + " could not be started: " + reason +
                        ". Name another one in the environment variable CALDERA_WORKER.",
                    {{"program", program.string()}, {"reason", reason}});
    }
    return answer.process;
}

bool processRuns(pid_t process) {
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(stat), {}};
    const size_t state = text.rfind(')');
    return state != std::string::npos && state + 2 < text.size() && text[state + 2] != 'Z' &&
           text[state + 2] != 'X';
}

std::string lastWords(const JobFolder& folder) {
    std::ifstream file(folder.path() / "worker.err", std::ios::ate);
    if (!file) {
        return {};
    }
    const auto size = static_cast<std::streamoff>(file.tellg());
    file.seekg(std::max<std::streamoff>(0, size - kLastWords));
    std::string text{std::istreambuf_iterator<char>(file), {}};
    text.erase(text.find_last_not_of(" \n\r\t") + 1);
    std::string line = text.substr(text.rfind('\n') + 1); // npos + 1 == 0
    constexpr std::string_view kName = "caldera: ";
    return line.starts_with(kName) ? line.substr(kName.size()) : line;
}

void queueAgain(const JobFolder& folder) {
    folder.clearControl();
    folder.writeState(JobState{});
}

bool settleUnstarted(const JobFolder& folder, pid_t process) {
    if (folder.state().phase != "queued" || processRuns(process)) {
        return false;
    }
    // It may have spoken between the look at the state and the look at the process.
    JobState state = folder.state();
    if (state.phase != "queued") {
        return false;
    }
    const std::string words = lastWords(folder);
    state.phase = "failed";
    state.code = "job.worker-ended";
    state.message = !words.empty() ? words
                                   : "The worker ended before it began and left no message. What "
                                     "it was asked to do stands in " +
                                         (folder.path() / "job.json").string() + ".";
    folder.writeState(state);
    return true;
}

} // namespace caldera
