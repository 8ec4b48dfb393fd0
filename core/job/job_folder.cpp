#include "core/job/job_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/printable.h"
#include "core/base/random_hex.h"
#include "core/base/write_failure.h"

namespace caldera {

namespace {

using Json = nlohmann::json;
constexpr const char* kJobFormat = "caldera-job";
constexpr const char* kStateFormat = "caldera-job-state";
constexpr int kMajor = 1;
constexpr size_t kSmallFile = 1U << 20;
constexpr size_t kLongestMessage = 4000; // bytes; it may come from another machine
constexpr std::array<std::string_view, 9> kPhases{
    "queued", "preparing", "running", "paused", "fetching", "done", "cancelled", "failed", "lost"};

std::string textOf(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json stateToJson(const JobState& state) {
    return {{"format", formatText(kStateFormat, kMajor)},
            {"phase", state.phase},
            {"stage", state.stage},
            {"fraction", state.fraction},
            {"eta_seconds", state.etaSeconds},
            {"message", state.message},
            {"code", state.code},
            {"updated", state.updated}};
}

JobState stateFromJson(const Json& json) {
    JobState state;
    state.phase = json.at("phase").get<std::string>();
    state.stage = json.value("stage", "");
    state.fraction = std::clamp(json.value("fraction", 0.0), 0.0, 1.0);
    state.etaSeconds = json.value("eta_seconds", -1.0);
    state.message = printable(json.value("message", ""), kLongestMessage);
    state.code = json.value("code", "");
    state.updated = json.value("updated", "");
    return state;
}

Json specToJson(const JobSpec& spec) {
    return {{"format", formatText(kJobFormat, kMajor)},
            {"id", spec.id},
            {"kind", spec.kind},
            {"title", spec.title},
            {"arguments", spec.arguments},
            {"created", spec.created}};
}

JobSpec specFromJson(const Json& json) {
    JobSpec spec;
    spec.id = json.at("id").get<std::string>();
    spec.kind = json.at("kind").get<std::string>();
    spec.title = json.value("title", "");
    spec.arguments = json.at("arguments").get<std::vector<std::string>>();
    spec.created = json.value("created", "");
    return spec;
}

[[noreturn]] void throwDamaged(const std::filesystem::path& file, const char* code,
                               const std::string& reason) {
    throw Error(code,
                file.string() + " is not readable as a job file: " + reason +
                    ". It was changed by hand or damaged; start the job again.",
                {{"file", file.string()}, {"reason", reason}});
}

void checkFormat(const std::filesystem::path& file, const char* code, const Json& json,
                 const char* name) {
    const auto text = json.at("format").get<std::string>();
    const FormatFit fit = formatFit(text, name, kMajor);
    if (fit == FormatFit::Newer) {
        throw Error("job.newer",
                    file.string() + " has format " + text + ", and this program reads up to " +
                        formatText(name, kMajor) + ". Install a newer caldera.",
                    {{"file", file.string()}, {"came", text}});
    }
    if (fit == FormatFit::Foreign) {
        throwDamaged(file, code, "its format is \"" + text + "\"");
    }
}

/// Reads the text of one of the job's small JSON files, whose format is `name`, with `read`; any
/// fault becomes Error(code), a newer format Error("job.newer").
template <class Read>
auto parseJobText(const std::string& text, const std::filesystem::path& file, const char* code,
                  const char* name, Read read) {
    try {
        const Json json = Json::parse(text);
        checkFormat(file, code, json, name);
        return read(json);
    } catch (const Json::exception& e) {
        throwDamaged(file, code, e.what());
    }
}

/// Writes over the bytes that the file has on its disk: how a job ended can be told on a full disk,
/// too. A shorter text ends in spaces. False where they do not suffice.
bool overwrite(const std::filesystem::path& file, std::string text) {
    constexpr size_t kBlock = 512; // of st_blocks
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    struct stat facts {};
    bool isWhole = false;
    if (descriptor >= 0 && ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) &&
        text.size() <= static_cast<size_t>(facts.st_blocks) * kBlock) {
        text.resize(std::max(text.size(), static_cast<size_t>(facts.st_size)), ' ');
        isWhole =
            ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    }
    ::close(descriptor);
    return isWhole;
}

bool needsWorker(const std::string& phase) {
    return phase == "preparing" || phase == "running" || phase == "paused";
}

/// Whether the job's control file begins with `word`.
bool isRequested(const std::filesystem::path& folder, std::string_view word) {
    const std::filesystem::path file = folder / "control";
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {
        return false;
    }
    try {
        return readTextFile(file, kSmallFile).starts_with(word);
    } catch (const Error&) {
        if (std::filesystem::exists(file, error)) {
            throw;
        }
        return false; // taken back between the two looks
    }
}

/// Opens a lock, which another machine may have put there as a pipe or a folder. -1: none.
int openLock(const std::filesystem::path& file, int flags) {
    const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0644);
    struct stat facts {};
    if (descriptor >= 0 && (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))) {
        ::close(descriptor);
        errno = EINVAL;
        return -1;
    }
    return descriptor;
}

struct flock wholeFile(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

} // namespace

std::string specText(const JobSpec& spec) {
    return textOf(specToJson(spec));
}

std::string stateText(const JobState& state) {
    return textOf(stateToJson(state));
}

JobState parseState(const std::string& text, const std::filesystem::path& origin) {
    JobState state = parseJobText(text, origin, "job.state", kStateFormat, stateFromJson);
    if (std::find(kPhases.begin(), kPhases.end(), state.phase) == kPhases.end()) {
        constexpr size_t kLongest = 100;
        throwDamaged(origin, "job.state",
                     "its phase is \"" + printable(state.phase, kLongest) + '"');
    }
    return state;
}

std::string newJobId() {
    std::string id = randomHex(32);
    id[12] = '4';                // version 4
    id[16] = "89ab"[id[16] % 4]; // RFC 4122
    for (const size_t dash : {20, 16, 12, 8}) {
        id.insert(dash, 1, '-');
    }
    return id;
}

JobFolder JobFolder::create(const std::filesystem::path& root, JobSpec spec) {
    if (spec.id.empty()) {
        spec.id = newJobId();
    }
    if (spec.created.empty()) {
        spec.created = utcNow();
    }
    JobFolder folder(root / spec.id);
    if (std::filesystem::exists(folder.path() / "job.json")) {
        throw Error("job.exists",
                    folder.path().string() +
                        " already holds a job. Resume it, or choose another folder.",
                    {{"folder", folder.path().string()}});
    }
    std::error_code error;
    for (const auto& path : {folder.path(), folder.cells(), folder.out()}) {
        std::filesystem::create_directories(path, error);
        if (error) {
            throw Error("job.create",
                        "Cannot create the job folder " + path.string() + ": " + error.message() +
                            ".",
                        {{"folder", path.string()}, {"reason", error.message()}});
        }
    }
    folder.writeState(JobState{});
    folder.writeSpec(spec);
    return folder;
}

JobSpec JobFolder::spec() const {
    const std::filesystem::path file = path_ / "job.json";
    return parseJobText(readTextFile(file, kSmallFile), file, "job.spec", kJobFormat, specFromJson);
}

void JobFolder::writeSpec(const JobSpec& spec) const {
    writeFileAtomically(path_ / "job.json", specText(spec));
}

JobState JobFolder::state() const {
    const std::filesystem::path file = path_ / "state.json";
    return std::filesystem::exists(file) ? parseState(readTextFile(file, kSmallFile), file)
                                         : JobState{};
}

void JobFolder::writeState(const JobState& state) const {
    JobState stamped = state;
    stamped.updated = utcNow();
    const std::string text = stateText(stamped);
    try {
        writeFileAtomically(path_ / "state.json", text);
    } catch (const Error&) {
        if (!overwrite(path_ / "state.json", text)) {
            throw;
        }
    }
}

void JobFolder::requestCancel() const {
    writeFileAtomically(path_ / "control", "cancel\n");
}

void JobFolder::requestPause() const {
    if (!cancelRequested()) {
        writeFileAtomically(path_ / "control", "pause\n");
    }
}

void JobFolder::requestContinue() const {
    if (pauseRequested()) {
        clearControl();
    }
}

bool JobFolder::cancelRequested() const {
    return isRequested(path_, "cancel");
}

bool JobFolder::pauseRequested() const {
    return isRequested(path_, "pause");
}

void JobFolder::clearControl() const {
    std::error_code ignored;
    std::filesystem::remove(path_ / "control", ignored);
}

bool JobFolder::workerAlive() const {
    const int descriptor = openLock(path_ / "lock", O_RDONLY);
    if (descriptor < 0) {
        return false;
    }
    struct flock question = wholeFile(F_RDLCK);
    const bool answered = ::fcntl(descriptor, F_OFD_GETLK, &question) == 0;
    ::close(descriptor);
    return answered && question.l_type != F_UNLCK;
}

std::string JobFolder::visiblePhase() const {
    std::string phase = state().phase;
    if (!needsWorker(phase) || workerAlive()) {
        return phase;
    }
    const std::string last = state().phase; // it may have ended between the two looks
    return needsWorker(last) ? "lost" : last;
}

std::vector<JobFolder> listJobs(const std::filesystem::path& root) {
    std::vector<std::pair<std::string, JobFolder>> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
        JobFolder folder(entry.path());
        try {
            found.emplace_back(folder.spec().created, std::move(folder));
        } catch (const Error&) {
            continue; // not a job, or not yet one
        }
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second.path() < b.second.path();
    });
    std::vector<JobFolder> jobs;
    jobs.reserve(found.size());
    for (auto& entry : found) {
        jobs.push_back(std::move(entry.second));
    }
    return jobs;
}

JobLock::JobLock(const JobFolder& folder) {
    const std::filesystem::path file = folder.path() / "lock";
    descriptor_ = openLock(file, O_RDWR | O_CREAT);
    const std::string reason =
        descriptor_ < 0 ? std::strerror(errno) : ""; // NOLINT(concurrency-mt-unsafe)
    if (descriptor_ < 0) {
        throw Error("job.lock", "Cannot open " + file.string() + ": " + reason + ".",
                    {{"file", file.string()}, {"reason", reason}});
    }
    struct flock lock = wholeFile(F_WRLCK);
    if (::fcntl(descriptor_, F_OFD_SETLK, &lock) != 0) {
        std::array<char, 32> owner{};
        const ssize_t length = ::pread(descriptor_, owner.data(), owner.size() - 1, 0);
        ::close(descriptor_);
        std::string process(owner.data(), length > 0 ? static_cast<size_t>(length) : 0);
        process.erase(std::find(process.begin(), process.end(), '\n'), process.end());
        throw Error("job.busy",
                    "Another worker (process " + process + ") runs the job in " +
                        folder.path().string() + ". Wait for it, or cancel it first.",
                    {{"folder", folder.path().string()}, {"process", process}});
    }
    const std::string process = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::pwrite(descriptor_, process.data(), process.size(), 0) < 0) {
        const int error = errno;
        ::close(descriptor_);
        throwWriteFailure(file, error);
    }
}

JobLock::~JobLock() {
    ::close(descriptor_);
}

} // namespace caldera
