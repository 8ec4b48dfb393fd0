// How a command plugs into `caldera`: one file per command, composition only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/job/progress.h"

namespace caldera::cli {

class StopSignals;

/// What a running command may use.
struct Invocation {
    bool json = false;                        ///< print one JSON document on stdout instead of text
    std::string commandLine;                  ///< as typed but without --job, for reports
    std::optional<std::filesystem::path> job; ///< the job folder, when run as a job
    Progress& progress;
    std::stop_token stop; ///< SIGINT, SIGTERM or the job's control file
    StopSignals* signals; ///< where a command may take SIGINT for itself
};

/// Indented JSON; bytes that are no UTF-8, as names of files may have, are replaced.
std::string jsonText(const nlohmann::json& document);

/// Take numbers above 0, of at least 0, from `low` to `high`, and say what came and what was
/// needed. (CLI11's own print the largest double to its last digit.)
CLI::Validator positive();
CLI::Validator notNegative();
CLI::Validator between(double low, double high);
/// Takes numbers above 0 and up to 1.
CLI::Validator share();
/// Takes whole numbers of 64 bits without a sign. (CLI11 takes -1, and others for the nearest.)
CLI::Validator seedNumber(uint64_t most = std::numeric_limits<uint64_t>::max());
/// Reports hold numbers of 53 bits; a larger seed would come back as another one.
inline constexpr uint64_t kMostReportedSeed = uint64_t{1} << 53;

class CommandLine {
public:
    explicit CommandLine(CLI::App& app);
    /// Adds a subcommand with --json and --job; run() calls `run`. Bind options to variables that a
    /// shared_ptr captured by `run` owns.
    CLI::App& add(const std::string& name, const std::string& description,
                  std::function<void(Invocation&)> run);
    /// Parses and runs. Failures become a sentence on stderr, with --json also a document
    /// {"error": {code, message, args}} on stdout. Exit code: 0, 1 failed, 2 usage, 130 cancelled.
    int run(int argc, char** argv);

private:
    struct Entry {
        CLI::App* app;
        std::function<void(Invocation&)> run;
    };
    CLI::App& app_;
    std::vector<Entry> entries_;
    bool json_ = false;
    std::string job_;
};

void addInfoCommand(CommandLine& commands);
void addPlanCommand(CommandLine& commands);
void addFidelityCommand(CommandLine& commands);
void addCalibrateCommand(CommandLine& commands);
void addDecomposeCommand(CommandLine& commands);
void addCompressCommand(CommandLine& commands);
void addMergeCommand(CommandLine& commands);
void addEvaluateCommand(CommandLine& commands);
void addScoreCommand(CommandLine& commands);
void addBlameCommand(CommandLine& commands);
void addExportCommand(CommandLine& commands);
void addChatCommand(CommandLine& commands);
void addServeCommand(CommandLine& commands);
void addJobCommand(CommandLine& commands);
void addSkyTaskCommand(CommandLine& commands);
void addWatchPodCommand(CommandLine& commands);
void addBenchCommand(CommandLine& commands);

} // namespace caldera::cli
