// Where commands that measure find their text, write their reports and keep what is finished.
#pragma once

#include <filesystem>
#include <optional>

#include "app/cli/command.h"
#include "core/report/report_subject.h"

namespace caldera::cli {

/// The chosen text; without one, or for "builtin", the demo model's held-out text.
std::filesystem::path heldOutText(const std::filesystem::path& chosen);

/// The chosen file; without one, `name` among a job's results; else empty. Throws as
/// requireOutsideArtifacts does.
std::filesystem::path reportFile(const std::filesystem::path& chosen, const Invocation& invocation,
                                 const char* name);
/// Where finished parts of a report are kept: in the job's folder, else beside the report.
std::filesystem::path workFolder(const std::filesystem::path& report, const Invocation& invocation);
/// Tells that a report was written.
void tellReport(const std::filesystem::path& report, const Invocation& invocation);

/// Throws UsageError("report.sealed") for a file in an artifact, which no measurement changes.
void requireOutsideArtifacts(const std::filesystem::path& file);

/// Throws UsageError("report.foreign") where something else than a whole report has the name: what
/// is there is kept in the new report, or not touched.
void requireReportOrNone(const std::filesystem::path& file);

/// The report that has the name already; nothing where there is no file. Throws as
/// requireReportOrNone does, and Error("report.model") unless it says that it tells of `subject`.
std::optional<Report> earlierReport(const std::filesystem::path& file,
                                    const ReportSubject& subject);

/// Adds what an earlier report of the same subject has beside this one, and writes it. The earlier
/// one is read only now: another measurement may have ended meanwhile. Throws as earlierReport().
void writeKeeping(Report& report, const std::filesystem::path& file);

/// Finds out before hours of work whether their report can be written. Throws Error("file.*").
void requireWritable(const std::filesystem::path& file);

} // namespace caldera::cli
