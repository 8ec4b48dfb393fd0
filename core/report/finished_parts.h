// Finished parts of long work on disk: each a report.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/report/report.h"

namespace caldera {

/// A part counts only with the key of everything that it depends on.
class FinishedParts {
public:
    /// No folder: nothing is kept.
    FinishedParts(std::filesystem::path folder, std::string key)
        : folder_(std::move(folder)), key_(std::move(key)) {}

    /// Nothing when there is none of this name, or it is damaged or of another key.
    std::optional<Report> find(const std::string& name) const;
    /// Throws Error("report.write", "file.*").
    void keep(const std::string& name, Report part) const;

private:
    std::filesystem::path fileOf(const std::string& name) const { return folder_ / (name + ".h5"); }

    std::filesystem::path folder_;
    std::string key_;
};

} // namespace caldera
