// Where reports are kept between sessions (docs/decisions/0071).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/report/report.h"

namespace caldera {

/// Evaluations of an artifact, since the artifact itself is sealed. Its folder exists.
std::filesystem::path keptEvaluations(const std::string& artifactHash);
/// Adds evaluations that a job left elsewhere, as keepFidelity() does with measurements.
void keepEvaluated(const std::filesystem::path& evaluated);
/// What was measured of a model. Its folder exists.
std::filesystem::path keptFidelity(const std::string& fingerprint);
/// Adds measurements that a job left elsewhere to what is kept of their model; theirs count where
/// both have a metric. A damaged file that was kept is set aside; one of a newer format is left as
/// it is. Throws Error("report.*"), also "report.newer" of what is kept.
void keepFidelity(const std::filesystem::path& measured);

/// The metric of `caldera blame`: its report has no other.
inline constexpr const char* kBlameMetric = "blame";
/// Of a text, among which the token that lost most is looked for unless somebody says otherwise.
inline constexpr int kBlamedTokens = 128;
/// Which cells of an artifact moved a token. Its folder exists.
std::filesystem::path keptBlame(const std::string& artifactHash);

/// Reads what is kept, which the next report adds to; nothing where there is none, or where it was
/// damaged and is set aside now. Throws Error("report.newer").
std::optional<Report> readKept(const std::filesystem::path& kept);
/// Renames a kept report (`.damaged`) where the code of what readReport() threw says that no
/// program reads it: it would stand in the way of the next. What a newer one wrote stays.
void setAsideDamaged(const std::filesystem::path& kept, std::string_view code);

} // namespace caldera
