#include "app/cli/command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string_view>
#include <unistd.h>

#include "app/cli/help_format.h"
#include "app/cli/standard_streams.h"
#include "app/cli/stop_signals.h"
#include "app/cli/usage_complaint.h"
#include "core/base/error.h"
#include "core/base/printable.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "core/job/job_progress.h"
#include "core/job/terminal_progress.h"
#include "core/linalg/numerics.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kCancelled = 130;

/// How a command ended.
struct Outcome {
    int exitCode = kDone;
    std::string code;
    std::string message;
    ErrorArgs args;

    std::string phase() const {
        return exitCode == kDone ? "done" : exitCode == kCancelled ? "cancelled" : "failed";
    }
};

constexpr size_t kLongestMessage = 2000; // of bytes; names in damaged files may have megabytes

/// LibTorch appends a stack trace to its messages.
std::string firstLine(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
}

Outcome rawOutcomeOf(const std::function<void()>& body) {
    try {
        body();
        return {};
    } catch (const Cancelled&) {
        return {kCancelled, "cancelled", "Cancelled.", {}};
    } catch (const UsageError& e) {
        return {kUsage, e.code(), e.what(), e.args()};
    } catch (const Error& e) {
        return {kFailed, e.code(), e.what(), e.args()};
    } catch (const CLI::ParseError& e) {
        return {kUsage, "usage", e.what(), {}};
    } catch (const std::bad_alloc&) {
        return {kFailed,
                "memory",
                "The machine has not enough memory for this. Close other programs, or use a larger "
                "machine.",
                {}};
    } catch (const std::filesystem::filesystem_error& e) {
        const std::string reason = e.code().message();
        return {kFailed,
                "file.system",
                "Cannot use " + e.path1().string() + ": " + reason + ".",
                {{"file", e.path1().string()}, {"reason", reason}}};
    } catch (const std::exception& e) {
        return {kFailed, "internal", "Unexpected failure: " + firstLine(e.what()), {}};
    }
}

Outcome outcomeOf(const std::function<void()>& body) {
    Outcome outcome = rawOutcomeOf(body);
    outcome.message = printable(outcome.message, kLongestMessage);
    for (auto& [name, value] : outcome.args) {
        value = printable(value, kLongestMessage);
    }
    return outcome;
}

void tell(const Outcome& outcome, bool json) {
    if (outcome.exitCode == kDone) {
        return;
    }
    std::cout.flush();
    std::cerr << "caldera: " << outcome.message << '\n';
    if (json) {
        Json args = Json::object();
        for (const auto& [name, value] : outcome.args) {
            args[name] = value;
        }
        const Json document = {
            {"error", {{"code", outcome.code}, {"message", outcome.message}, {"args", args}}}};
        std::cout << jsonText(document) << std::endl;
    }
}

std::string shellWord(std::string_view word) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789@%+=:,./-_";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
        return std::string(word);
    }
    std::string quoted = "'";
    for (const char letter : word) {
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return quoted + "'";
}

std::string commandLineOf(const std::vector<std::string>& words) {
    std::string line = "caldera";
    for (const std::string& word : words) {
        line += ' ' + shellWord(word);
    }
    return line;
}

std::vector<std::string> withoutJobOption(const std::vector<std::string>& words) {
    std::vector<std::string> kept;
    for (size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--job") {
            ++i;
        } else if (!words[i].starts_with("--job=")) {
            kept.push_back(words[i]);
        }
    }
    return kept;
}

/// The folder's job.json, written now when the folder is a new one.
JobSpec ensureSpec(const JobFolder& folder, const std::string& kind,
                   const std::vector<std::string>& words) {
    if (!std::filesystem::exists(folder.path() / "job.json")) {
        JobSpec spec;
        spec.id = folder.path().filename().string();
        spec.kind = kind;
        spec.title = commandLineOf(withoutJobOption(words));
        spec.arguments = withoutJobOption(words);
        JobFolder::create(folder.path().parent_path(), spec);
    }
    return folder.spec();
}

struct Task {
    std::string name;
    std::function<void(Invocation&)> run;
    std::vector<std::string> words; ///< the command line without the program
    bool json = false;

    Invocation invocation(Progress& progress, StopSignals& signals) const {
        return {json,
                commandLineOf(withoutJobOption(words)),
                std::nullopt,
                progress,
                signals.token(),
                &signals};
    }
};

Outcome runInTerminal(const Task& task) {
    StopSignals signals({});
    fixNumerics();
    TerminalProgress progress;
    Invocation invocation = task.invocation(progress, signals);
    return outcomeOf([&] {
        task.run(invocation);
        flushOutput();
    });
}

std::string machineName() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Holds the job's lock and leaves a final state and an "end" event, whatever happens.
void workInFolder(const Task& task, const JobFolder& folder, Outcome& outcome) {
    const JobSpec spec = ensureSpec(folder, task.name, task.words);
    const JobLock lock(folder);
    StopSignals signals([&folder] { return folder.cancelRequested(); });
    fixNumerics();
    EventWriter events(folder.events(), spec.id);
    events.write("hello", {{"format", kEventsFormat},
                           {"pid", ::getpid()},
                           {"machine", machineName()},
                           {"version", programVersion()},
                           {"kind", spec.kind},
                           {"command", commandLineOf(task.words)}});
    JobProgress progress(folder, events, signals.token());
    Invocation invocation = task.invocation(progress, signals);
    invocation.job = folder.path();
    outcome = outcomeOf([&] { task.run(invocation); });
    if (outcome.exitCode != kDone && outcome.exitCode != kCancelled) {
        try {
            events.write("error", {{"code", outcome.code}, {"message", outcome.message}});
        } catch (const Error&) {
            // A full disk; the state, which is written next, needs no more room.
        }
    }
    // A scheduler that stops a worker before its time starts it again.
    const bool isRequeued = outcome.exitCode == kCancelled && !folder.cancelRequested() &&
                            std::getenv("CALDERA_SCHEDULED") != nullptr;
    progress.end(isRequeued ? "queued" : outcome.phase(), outcome.message, outcome.code);
    folder.clearControl();
}

Outcome runAsJob(const Task& task, const std::filesystem::path& path) {
    ::setsid(); // fails harmlessly when the starter has done it
    std::signal(SIGHUP, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    Outcome outcome;
    const Outcome around = outcomeOf([&] {
        std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
        workInFolder(task, JobFolder(whole.has_filename() ? whole : whole.parent_path()), outcome);
    });
    return outcome.exitCode == kDone ? around : outcome;
}

/// Digits alone, but too many for 64 bits, of which CLI11 makes the largest number.
bool overflows(const std::string& text) {
    int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    return error == std::errc::result_out_of_range && rest == end;
}

/// Takes the finite numbers that suit; `which` completes "a number".
CLI::Validator numbers(const std::string& which, const std::function<bool(double)>& suit) {
    return {[which, suit](std::string& text) -> std::string {
                if (overflows(text)) {
                    return text + " was given; a number of at most 9223372036854775807 was needed";
                }
                double value = 0;
                const bool suits =
                    CLI::detail::lexical_cast(text, value) && std::isfinite(value) && suit(value);
                return suits ? "" : text + " was given; a number " + which + " was needed";
            },
            '(' + which + ')'};
}

/// An empty word, as from a script's unset variable, would pass for one that was left out. Only
/// a TEXT may be empty.
void refuseEmptyWords(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
        const std::vector<std::string>& words = option->results();
        const std::string needed = option->get_type_name();
        if (needed != "TEXT" && std::find(words.begin(), words.end(), "") != words.end()) {
            throw CLI::ValidationError(option->get_name(),
                                       "an empty word was given; " + needed + " was needed");
        }
    }
    for (const CLI::App* part : app.get_subcommands({})) { // groups of options are such too
        refuseEmptyWords(*part);
    }
}

} // namespace

std::string jsonText(const nlohmann::json& document) {
    return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

CLI::Validator positive() {
    return numbers("above 0", [](double value) { return value > 0; });
}

CLI::Validator notNegative() {
    return numbers("of at least 0", [](double value) { return value >= 0; });
}

CLI::Validator between(double low, double high) {
    return numbers("from " + numberText(low) + " to " + numberText(high),
                   [low, high](double value) { return value >= low && value <= high; });
}

CLI::Validator share() {
    return numbers("above 0, at most 1", [](double value) { return value > 0 && value <= 1; });
}

CLI::Validator seedNumber(uint64_t most) {
    return {[most](std::string& text) -> std::string {
                uint64_t seed = 0;
                const char* end = text.data() + text.size();
                const auto [rest, error] = std::from_chars(text.data(), end, seed);
                return error == std::errc() && rest == end && seed <= most
                           ? ""
                           : text + " was given; a whole number from 0 to " +
                                 (most == std::numeric_limits<uint64_t>::max()
                                      ? "2^64 - 1"
                                      : std::to_string(most)) +
                                 " was needed";
            },
            ""};
}

CommandLine::CommandLine(CLI::App& app) : app_(app) {
    app_.formatter(std::make_shared<HelpFormat>());
}

CLI::App& CommandLine::add(const std::string& name, const std::string& description,
                           std::function<void(Invocation&)> run) {
    CLI::App* app = app_.add_subcommand(name, description);
    app->add_flag("--json", json_, "Print one JSON document on stdout instead of text");
    app->add_option("--job", job_, "Run as a job: events, state and lock in this folder")
        ->type_name("FOLDER");
    entries_.push_back({app, std::move(run)});
    return *app;
}

int CommandLine::run(int argc, char** argv) {
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    try {
        app_.parse(argc, argv);
        refuseEmptyWords(app_);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) {
            const Outcome outcome = outcomeOf([&] {
                app_.exit(e); // --help, --version
                flushOutput();
            });
            tell(outcome, false);
            return outcome.exitCode;
        }
        const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
        tell({kUsage, "usage", usageComplaint(app_, e, words), {}}, json);
        return kUsage;
    }
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [](const Entry& e) { return e.app->parsed(); });
    const Task task{entry->app->get_name(), entry->run, words, json_};
    const Outcome outcome = job_.empty() ? runInTerminal(task) : runAsJob(task, job_);
    tell(outcome, json_);
    return outcome.exitCode;
}

} // namespace caldera::cli
