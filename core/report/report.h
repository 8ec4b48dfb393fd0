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

/// One measured setting of a cell: bits of Q and rank. The codec is that of the metric's settings
/// of the cell, and how it was measured, as the metric's description says.
struct FidelityOption {
    double bits = 0;
    int rank = 0;
    double relativeError = 0; ///< see CellReport
    bool operator==(const FidelityOption&) const = default;
};

/// What it costs to store a whole table in fewer bits.
struct TableCost {
    std::string table; ///< kEmbeddingTable or kHeadTable
    int bits = 0;      ///< 8 or 4
    double value = 0;  ///< in the metric's unit
    bool operator==(const TableCost&) const = default;
};
inline constexpr const char* kEmbeddingTable = "embeddings"; ///< the head as well when it is tied
inline constexpr const char* kHeadTable = "lm_head";

/// What a cell's settings were while a metric measured it.
struct MeasuredSettings {
    std::string codec; ///< family
    double bits = 0;
    int rank = 0;
    bool operator==(const MeasuredSettings&) const = default;
};
/// Whether the cell stays at 16 bits is left to the plan: it is measured as if it did not.
inline MeasuredSettings measuredSettings(const CellSettings& settings) {
    return {settings.codec, settings.bits, settings.rank};
}

/// One metric over cells, e.g. "proxy". Higher is always more fragile. What a metric does not
/// measure stays empty.
struct FidelityMetric {
    std::string name;
    std::string description;
    std::map<Cell, double> values;
    /// Settings of a cell by rising bits, then rising rank; each pair once.
    std::map<Cell, std::vector<FidelityOption>> options{};
    /// Relative error that the cell had while its value was measured: with small errors the value
    /// grows with its square, so value / level^2 is the cell's sensitivity.
    std::map<Cell, double> errorLevels{};
    /// Of the cells whose value hangs on them. A report may be joined from runs with other
    /// settings, so its cells do not tell them.
    std::map<Cell, MeasuredSettings> settings{};
    bool hangsOnSettings(Cell cell) const {
        return errorLevels.contains(cell) || options.contains(cell);
    }
    std::vector<TableCost> tables{};
    std::map<std::string, std::map<Cell, double>> details{}; ///< more numbers of each cell
    std::map<std::string, std::vector<double>> layers{};     ///< numbers of each layer
    std::map<std::string, double> numbers{};                 ///< of the whole: samples, seeds
};

/// Results of one evaluation, by the names of `caldera evaluate --json`.
/// The fact of an evaluation that tells texts and tasks of one name apart.
inline constexpr const char* kTextHash = "text_hash";

struct EvaluationRecord {
    std::string name;
    std::map<std::string, double> numbers;
    std::map<std::string, std::string> facts;            ///< text, protocol, reference, command
    std::map<std::string, std::vector<double>> layers{}; ///< numbers of each layer
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
