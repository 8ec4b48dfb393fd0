#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/report_file.h"
#include "core/report/join_reports.h"
#include "core/report/report_subject.h"
#include "core/summary/summary.h"

namespace caldera::cli {

namespace {

struct Options {
    std::string subject;
    std::filesystem::path report;
    std::vector<std::filesystem::path> evaluations;
};

/// What evaluations have to be of.
ReportSubject evaluatedIn(const Summary& summary) {
    if (summary.artifact) {
        const ArtifactFacts& artifact = *summary.artifact;
        return {artifact.name, artifact.hash, artifact.config.layerCount};
    }
    return resultOf(summary.report);
}

void run(const Options& options, Invocation& invocation) {
    requireWritable(options.report);
    Summary summary = readSummary(options.subject);
    for (const std::filesystem::path& file : options.evaluations) {
        Report given = readReport(file);
        requireSame(evaluatedIn(summary), subjectOf(given), file,
                    "Give evaluations of what is exported, or export what they tell of.");
        keepEvaluations(summary.report, given);
        summary.report.evaluations = std::move(given.evaluations);
    }
    if (!invocation.commandLine.empty()) {
        summary.command = invocation.commandLine;
    }
    writeSummary(summary, options.report);
    invocation.progress.event("artifact", {{"path", options.report.string()}, {"kind", "summary"}});
    if (invocation.json) {
        std::printf("%s\n", jsonText({{"report", options.report.string()}}).c_str());
    } else {
        std::printf("Wrote %s\n", options.report.c_str());
    }
}

} // namespace

void addExportCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add(
        "export",
        "A one-page report of a compressed model: plan, charts, numbers, hashes, commands",
        [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("SUBJECT", options->subject, "Compressed model, or a report of one")
        ->required()
        ->type_name("ARTIFACT|REPORT.h5");
    app.add_option("--report", options->report, "The page to write")
        ->required()
        ->type_name("FILE.html|FILE.pdf");
    app.add_option("--evaluation", options->evaluations,
                   "Reports of `caldera evaluate`, besides those that the studio keeps")
        ->type_name("FILE.h5");
}

} // namespace caldera::cli
