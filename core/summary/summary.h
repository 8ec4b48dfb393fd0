// The one-page report of a run: plan, charts, numbers, hashes and the commands that make them
// again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/plan/plan.h"
#include "core/report/report.h"
#include "core/summary/drawing.h"

namespace caldera {

/// What is told of an artifact.
struct ArtifactFacts {
    std::string name;
    std::string hash;
    std::string fingerprint; ///< of the model that it was made from
    ModelConfig config;
    Plan plan;
    double bitsPerWeight = 0;
    int64_t fileBytes = 0;
};

struct Summary {
    std::optional<ArtifactFacts> artifact;  ///< nothing for a report alone
    Report report;                          ///< its evaluations, and those that were kept besides
    std::string command;                    ///< that makes this page again
    std::vector<std::string> problems = {}; ///< what could not be read, a sentence each
};

/// Reads an artifact with its report and the evaluations kept on this machine, or a report alone.
/// Throws Error of what cannot be read; Error("summary.nothing") for an artifact without a report.
Summary readSummary(const std::filesystem::path& artifactOrReport);

/// Adds the evaluations of its artifact that are kept on this machine. A file that cannot be read
/// is a problem of the page, not of the export.
void addKeptEvaluations(Summary& summary);

std::string titleOf(const Summary& summary);
Drawing summaryPage(const Summary& summary);

/// Writes HTML or PDF, as the name ends. Throws Error("summary.suffix"), Error("file.write").
void writeSummary(const Summary& summary, const std::filesystem::path& path);

} // namespace caldera
