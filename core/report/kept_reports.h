// Where reports are kept between sessions (docs/decisions/0071).
#pragma once

#include <filesystem>
#include <string>

namespace caldera {

/// Evaluations of an artifact, since the artifact itself is sealed. Its folder exists.
std::filesystem::path keptEvaluations(const std::string& artifactHash);
/// Adds evaluations that a job left elsewhere, as keepFidelity() does with measurements.
void keepEvaluated(const std::filesystem::path& evaluated);
/// What was measured of a model. Its folder exists.
std::filesystem::path keptFidelity(const std::string& fingerprint);
/// Adds measurements that a job left elsewhere to what is kept of their model; theirs count where
/// both have a metric. A damaged file that was kept is replaced. Throws Error("report.*").
void keepFidelity(const std::filesystem::path& measured);

/// The metric of `caldera blame`: its report has no other.
inline constexpr const char* kBlameMetric = "blame";
/// Which cells of an artifact moved a token. Its folder exists.
std::filesystem::path keptBlame(const std::string& artifactHash);

} // namespace caldera
