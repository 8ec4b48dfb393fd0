// A report of another format than the one that is written today.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace caldera::test {

/// Gives a report on the disk this `format`, as another program or a later one writes it, and
/// leaves everything else whole; nothing: takes the attribute away.
void setReportFormat(const std::filesystem::path& report, const std::optional<std::string>& format);

} // namespace caldera::test
