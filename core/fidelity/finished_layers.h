// Finished parts of a measurement on disk: each a report of some layers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/report/report.h"

namespace caldera {

/// Layers [begin, end) that are measured together.
struct LayerSpan {
    int begin = 0;
    int end = 0;
};

/// A part counts only with the key of everything that it depends on.
class FinishedLayers {
public:
    /// No folder: nothing is kept.
    FinishedLayers(std::filesystem::path folder, std::string key)
        : folder_(std::move(folder)), key_(std::move(key)) {}

    /// Nothing when there is none, or it is damaged or of another key.
    std::optional<Report> find(LayerSpan span) const;
    /// Throws Error("report.write", "file.*").
    void keep(LayerSpan span, Report part) const;

private:
    std::filesystem::path fileOf(LayerSpan span) const;

    std::filesystem::path folder_;
    std::string key_;
};

} // namespace caldera
