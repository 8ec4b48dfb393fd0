// One compressed linear in its packed form, and what was measured while making it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/model/module.h"
#include "core/plan/plan.h"

namespace caldera {

/// Codes in kernel order (docs/formats/artifact.md) with fp16 scales.
struct PackedMatrix {
    std::string codec; ///< "e8p-2", "lloyd-4", "none-16"
    MatrixShape shape; ///< without padding
    std::vector<std::byte> codes;
    /// fp16 bits. Q: one per 16-row group; L and R: one per rank index.
    std::vector<uint16_t> scale;
    bool operator==(const PackedMatrix&) const = default;
};

/// One step of the solver.
struct HistoryEntry {
    int iteration = 0;
    std::string step; ///< "LR" or "Q"
    double relativeError = 0;
};

/// What the report keeps of a cell. Vectors may be empty when not measured.
struct CellReport {
    CellSettings settings;
    MatrixShape shape;
    double relativeError = 0; ///< sqrt(tr(E H E^T) / tr(W H W^T)), H / mean diag + 0.01 I
    double proxyError = 0;    ///< its square
    double dampingUsed = 0.01;
    double seconds = 0;
    int64_t bytes = 0;
    double bitsPerWeight = 0;
    std::vector<HistoryEntry> history;
    std::vector<float> singularValues;         ///< of W, leading 256
    std::vector<float> hessianSingularValues;  ///< of W in the H-metric (W chol(H)), leading 256
    std::vector<float> residualSingularValues; ///< of W - Q - LR, leading 256
    double tailEnergy = 0;                     ///< share of |W|^2 outside the leading values
    double hessianTailEnergy = 0;              ///< the same in the H-metric
    double residualTailEnergy = 0;
    std::vector<float> rowError;        ///< per output, H-weighted, relative to the mean row energy
    std::vector<float> columnError;     ///< per input, rms of the error
    std::vector<float> hessianDiagonal; ///< per input, of the untransformed H / mean diag
};

/// A finished cell. inSign is shared by the input group and repeated in each of its cells.
struct CompressedCell {
    Cell cell;
    PackedMatrix q;
    PackedMatrix l;                ///< rows x rank; empty codes when rank is 0
    PackedMatrix r;                ///< rank x columns
    std::vector<uint16_t> outSign; ///< fp16 bits, one per row
    std::vector<uint16_t> inSign;  ///< fp16 bits, one per column
    CellReport report;
    int rank() const { return static_cast<int>(l.shape.columns); }
};

/// A cell file: safetensors with the report in its metadata and a SHA-256 of its contents, written
/// atomically. `key` names everything the cell depends on (see core/compress); readCellFile throws
/// Error("cell.stale") when it differs, Error("cell.corrupt") when the hash does.
void writeCellFile(const std::filesystem::path& path, const CompressedCell& cell,
                   const std::string& key);
CompressedCell readCellFile(const std::filesystem::path& path, const std::string& key);

} // namespace caldera
