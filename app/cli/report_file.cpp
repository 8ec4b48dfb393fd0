#include "app/cli/report_file.h"

#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/report/join_reports.h"

namespace caldera::cli {

namespace fs = std::filesystem;

namespace {

Report readOwn(const fs::path& file) {
    try {
        return readReport(file);
    } catch (const Error& error) {
        throw UsageError("report.foreign", file.string() +
                                               " is there and cannot be read as a report, so "
                                               "nothing is written over it: " +
                                               error.what() +
                                               " Give another name, or move it away.");
    }
}

} // namespace

fs::path heldOutText(const fs::path& chosen) {
    return chosen.empty() || chosen == "builtin" ? resourcesFolder() / "demo-model" / "heldout.txt"
                                                 : chosen;
}

fs::path reportFile(const fs::path& chosen, const Invocation& invocation, const char* name) {
    if (!chosen.empty()) {
        requireOutsideArtifacts(chosen);
        return chosen;
    }
    return invocation.job ? *invocation.job / "out" / name : fs::path();
}

fs::path workFolder(const fs::path& report, const Invocation& invocation) {
    return invocation.job ? *invocation.job : fs::path(report.string() + ".work");
}

void tellReport(const fs::path& report, const Invocation& invocation) {
    invocation.progress.event("artifact", {{"path", report.string()}, {"kind", "report"}});
}

void requireOutsideArtifacts(const fs::path& file) {
    if (isArtifact(fs::absolute(file).parent_path())) {
        throw UsageError("report.sealed",
                         file.string() +
                             " lies in an artifact, which measurements never change. Choose a "
                             "place outside of it.");
    }
}

void requireReportOrNone(const fs::path& file) {
    if (fs::is_regular_file(file)) { // whether anything can be written there is found out next
        readOwn(file);
    }
}

std::optional<Report> earlierReport(const fs::path& file, const ReportSubject& subject) {
    if (!fs::is_regular_file(file)) {
        return std::nullopt;
    }
    Report earlier = readOwn(file);
    constexpr const char* kRemedy = "Choose another file with --out, or move it away.";
    requireFingerprint(earlier, file, kRemedy);
    requireSame(subject, subjectOf(earlier), file, kRemedy);
    return earlier;
}

void writeKeeping(Report& report, const fs::path& file) {
    if (const auto earlier = earlierReport(file, subjectOf(report))) {
        keepFrom(*earlier, report);
    }
    writeReport(report, file);
}

void requireWritable(const fs::path& file) {
    fs::create_directories(fs::absolute(file).parent_path());
    const AtomicFile attempt(file);
}

} // namespace caldera::cli
