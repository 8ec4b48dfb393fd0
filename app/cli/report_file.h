// Where commands write their reports.
#pragma once

#include <filesystem>

namespace caldera::cli {

/// Throws UsageError("report.sealed") for a file in an artifact, which no measurement changes.
void requireOutsideArtifacts(const std::filesystem::path& file);

/// Finds out before hours of work whether their report can be written. Throws Error("file.*").
void requireWritable(const std::filesystem::path& file);

} // namespace caldera::cli
