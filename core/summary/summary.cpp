#include "core/summary/summary.h"

#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/report/kept_reports.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

ArtifactFacts factsOf(const Artifact& artifact) {
    return {artifact.name(),     artifact.hash(), artifact.modelFingerprint(),
            artifact.config(),   artifact.plan(), artifact.bitsPerWeight(),
            artifact.fileBytes()};
}

} // namespace

Summary readSummary(const fs::path& artifactOrReport) {
    Summary summary;
    summary.command =
        "caldera export " + artifactOrReport.filename().string() + " --report REPORT.html";
    if (!fs::is_directory(artifactOrReport)) {
        summary.report = readReport(artifactOrReport);
        return summary;
    }
    summary.artifact = factsOf(*Artifact::open(artifactOrReport));
    const fs::path own = artifactOrReport / "report.h5";
    if (!fs::exists(own)) {
        throw Error("summary.nothing",
                    artifactOrReport.string() +
                        " has no report.h5, so there is nothing to tell. Copy it beside the "
                        "manifest, or compress again.",
                    {{"artifact", artifactOrReport.string()}});
    }
    summary.report = readReport(own);
    addKeptEvaluations(summary);
    return summary;
}

void addKeptEvaluations(Summary& summary) {
    const fs::path kept = keptEvaluations(summary.artifact->hash);
    if (!fs::exists(kept)) {
        return;
    }
    try {
        for (EvaluationRecord& record : readReport(kept).evaluations) {
            summary.report.evaluations.push_back(std::move(record));
        }
    } catch (const Error& error) {
        summary.problems.push_back("Evaluations kept on this machine are left out: " +
                                   std::string(error.what()));
    }
}

std::string titleOf(const Summary& summary) {
    if (summary.artifact) {
        return summary.artifact->name;
    }
    const auto model = summary.report.run.find("model");
    return model == summary.report.run.end() || model->second.empty() ? "Report" : model->second;
}

void writeSummary(const Summary& summary, const fs::path& path) {
    const std::string suffix = path.extension().string();
    if (suffix != ".html" && suffix != ".pdf") {
        throw Error("summary.suffix",
                    "A report is written as .html or .pdf, not as \"" + path.filename().string() +
                        "\". Choose one of these endings.",
                    {{"file", path.string()}});
    }
    const Drawing page = summaryPage(summary);
    const std::string title = titleOf(summary);
    writeFileAtomically(path, suffix == ".pdf" ? toPdf(page, title) : toHtml(page, title));
}

} // namespace caldera
