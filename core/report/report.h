// report.h5 (docs/formats/report.md): what was measured, per cell. HDF5 is one call at a time: all
// functions here take one process-wide lock.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/artifact/compressed_cell.h"
#include "core/model/module.h"

namespace caldera {

/// One metric over cells, e.g. "proxy". Higher is always more fragile.
struct FidelityMetric {
    std::string name;
    std::string description;
    std::map<Cell, double> values;
};

/// Results of one evaluation, by the names of `caldera evaluate --json`.
struct EvaluationRecord {
    std::string name;
    std::map<std::string, double> numbers;
    std::map<std::string, std::string> facts; ///< text, protocol, reference, command
};

/// What stands in /run of every report, besides date and version.
struct RunFacts {
    std::string model;
    std::string fingerprint; ///< of the model, or the hash of an artifact
    std::string command;
    std::string device;
    std::string numerics; ///< threads and BLAS kernels (core/linalg/numerics.h)

    /// By the names of the attributes; date and version are those of now.
    std::map<std::string, std::string> attributes() const;
};

struct Report {
    std::map<std::string, std::string> run; ///< see RunFacts
    int layerCount = 0;
    std::map<Cell, CellReport> cells;
    std::vector<FidelityMetric> fidelity;
    std::vector<EvaluationRecord> evaluations;
};

/// Writes a new file atomically (temporary name, then rename).
void writeReport(const Report& report, const std::filesystem::path& path);
/// Throws Error("report.*"): no such file, not HDF5 or cut short, newer format, missing group.
Report readReport(const std::filesystem::path& path);

} // namespace caldera
