// Options of every command that computes with LibTorch: where, with how many threads, on which
// text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include "core/plan/plan.h"

namespace caldera::cli {

struct ComputeOptions {
    std::string device = "cpu"; ///< "cpu", "cuda" or "cuda:N"
    int threads = 0;            ///< 0: all cores

    void addTo(CLI::App& command);
    /// Sets the number of threads.
    void apply() const;
    /// The same; without a number, that of the earlier run whose work folder this is.
    void applyAsIn(const std::filesystem::path& work) const;
};

/// Calibration instead of the plan's.
struct CalibrationOptions {
    std::string text;
    int64_t tokens = 0; ///< 0: the plan's

    void addTo(CLI::App& command);
    void applyTo(Plan& plan) const;
};

} // namespace caldera::cli
