// The compressed model on disk (docs/formats/artifact.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/artifact/compressed_cell.h"
#include "core/model/model.h"
#include "core/model/safetensors.h"
#include "core/plan/plan.h"

namespace caldera {

/// A packed matrix inside the artifact's memory map.
struct PackedView {
    std::string codec;
    MatrixShape shape;
    std::span<const std::byte> codes;
    std::span<const uint16_t> scale; ///< fp16 bits
};

/// One linear as the artifact holds it. A skipped cell has `dense` (bf16) and no codes.
struct ArtifactCell {
    Cell cell;
    PackedView q;
    PackedView l;
    PackedView r;
    std::span<const uint16_t> outSign; ///< fp16 bits
    std::span<const uint16_t> inSign;  ///< fp16 bits
    std::span<const uint16_t> dense;   ///< bf16 bits, rows x columns
    std::vector<float> bias;           ///< empty when the linear has none
    std::string transform;             ///< as in CellSettings: "hadamard-128" or "none"
    int rank() const { return static_cast<int>(l.shape.columns); }
};

/// Embedding or head: bf16, int8 with one fp16 scale per row, or 4-bit numbers with one per 64
/// columns of a row (core/artifact/table_codes.h).
struct ArtifactTable {
    MatrixShape shape;
    int bits = 16;
    std::span<const std::byte> codes;
    std::span<const uint16_t> scale; ///< fp16 bits, [rows, 0, 1 or columns / 64 rounded up]

    int64_t rowBytes() const { return static_cast<int64_t>(codes.size()) / shape.rows; }
    int64_t rowScales() const { return static_cast<int64_t>(scale.size()) / shape.rows; }
    /// Row `index` alone.
    ArtifactTable row(int64_t index) const;
};

/// An opened artifact, or a model that stands for one; immutable and thread-safe.
class Artifact {
public:
    /// Checks format version, presence, shapes and sizes of every tensor, and the manifest's own
    /// hash. Throws Error("artifact.*").
    static std::shared_ptr<const Artifact> open(const std::filesystem::path& folder);
    /// A model that stands for an artifact whose cells all stay at 16 bits, so that engines run it:
    /// no codes and nothing to verify; the hash is the model's fingerprint. Weights are rounded to
    /// bf16 when they are first asked for, and then stay in memory.
    static std::shared_ptr<const Artifact> ofModel(std::shared_ptr<const Model> model);
    ~Artifact();

    const std::filesystem::path& path() const;
    const std::string& name() const;
    const std::string& hash() const; ///< the artifact hash, 64 hexadecimal digits
    const ModelConfig& config() const;
    const std::shared_ptr<const Tokenizer>& tokenizer() const;
    const ChatTemplate& chat() const;
    const Plan& plan() const;
    const std::string& modelFingerprint() const;
    /// SHA-256 of the tables that the codes were made with, by codec id.
    const std::map<std::string, std::string>& codecTables() const;
    ArtifactCell cell(Cell cell) const;
    ArtifactTable embedding() const;
    ArtifactTable head() const;                             ///< the embedding when tied
    std::vector<float> norm(const std::string& name) const; ///< "model.norm.weight", ...
    int64_t fileBytes() const;    ///< all files of the artifact but report.h5
    double bitsPerWeight() const; ///< design section 4
    /// Reads everything and compares every checksum. Throws Error("artifact.checksum") naming the
    /// tensor; Cancelled between files.
    void verify(const std::stop_token& stop = {}) const;

    struct Data;
    explicit Artifact(std::unique_ptr<Data> data);

private:
    std::unique_ptr<Data> data_;
};

/// What an engine runs: an artifact, or a model as it is. Throws what opening either throws.
std::shared_ptr<const Artifact> openServed(const std::filesystem::path& path);

/// True when the folder has a manifest of ours (a cheap test, no checks).
bool isArtifact(const std::filesystem::path& folder);

/// Joins finished cells into an artifact. `load` is called once per cell, in order of layer and
/// module, so that only one layer is in memory; layers become one shard file each, written
/// atomically, the manifest last. Every packed tensor is verified by unpacking before it counts.
/// Returns the artifact hash. Throws Error("artifact.*", "file.write").
struct ArtifactRequest {
    std::shared_ptr<const Model> model;
    Plan plan;
    std::filesystem::path folder; ///< shards of an earlier, unfinished attempt are overwritten
    std::function<CompressedCell(Cell)> load;
    /// Unpacks the cell and throws when that does not give what the solver meant.
    std::function<void(const CompressedCell&)> verify = {};
    /// SHA-256 of the tables of each codec in use, by codec id.
    std::map<std::string, std::string> codecTables = {};
};
std::string writeArtifact(const ArtifactRequest& request);

} // namespace caldera
