// The plan: the settings of every cell, and the YAML file that holds them (docs/formats/plan.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/config.h"
#include "core/model/module.h"

namespace caldera {

/// What is done to one cell. Codec and transform belong to the input group, bits and rank to the
/// cell.
struct CellSettings {
    double bits = 2;               ///< bq; 0: L R alone
    double leftBits = 4;           ///< bl
    double rightBits = 4;          ///< br
    int rank = 64;                 ///< 0 or a multiple of 16
    std::string codec = "trellis"; ///< family; codecId() adds the bits
    std::string factorCodec = "lloyd";
    std::string transform = "hadamard-128"; ///< block-diagonal randomized Hadamard, or "none"
    int outerIterations = 2;
    int innerIterations = 6;
    std::string updateOrder = "LR,Q"; ///< or "Q,LR"
    /// What the first fit of L R weighs: "balanced" (the Hessian and plain energy), "hessian",
    /// "plain" or "outliers" (the input channels of most energy).
    std::string lowRankStart = "balanced";
    /// The steps that see the Hessian: "Q,LR", "Q", "LR" or "none".
    std::string activationAware = "Q,LR";
    bool hessianDowndate = false;
    double damping = 0.01; ///< of the mean diagonal of H
    uint64_t seed = 0;
    bool locked = false;
    bool skip = false; ///< the cell stays as it is (16 bit)

    std::string codecId() const;      ///< "e8p-2"; of an unknown codec its family and bits
    std::string leftCodecId() const;  ///< "lloyd-4"
    std::string rightCodecId() const; ///< "lloyd-4"
    bool operator==(const CellSettings&) const = default;
};

/// A partial CellSettings: only the keys that an override names.
struct CellOverride {
    std::optional<double> bits, leftBits, rightBits, damping;
    std::optional<int> rank, outerIterations, innerIterations;
    std::optional<std::string> codec, factorCodec, transform, updateOrder, lowRankStart,
        activationAware;
    std::optional<bool> hessianDowndate, locked, skip;
    std::optional<uint64_t> seed;

    void applyTo(CellSettings& settings) const;
    void applyTo(CellOverride& override) const; ///< what both name is as it is here
    bool operator==(const CellOverride&) const = default;
};

struct CalibrationSettings {
    std::string text = "builtin"; ///< path of a UTF-8 file, or the text that comes with the program
    int64_t tokens = 32768;
    int sequenceLength = 2048;
    uint64_t seed = 0;
    bool operator==(const CalibrationSettings&) const = default;
};

struct Plan {
    std::string model; ///< path or hub name, as the user wrote it
    CalibrationSettings calibration;
    CellSettings defaults;
    std::vector<std::string> skipLayers;                              ///< globs over cell names
    std::vector<std::pair<std::string, CellOverride>> layerOverrides; ///< exact cell names
    std::vector<std::pair<std::string, CellOverride>>
        patternOverrides;   ///< globs; later beats earlier
    int embeddingBits = 16; ///< 16, 8 or 4
    int headBits = 16;      ///< 16, 8 or 4; ignored for a tied head

    // About the file this came from; not part of the plan's value.
    bool hasComments = false;             ///< saving loses them
    bool foreign = false;                 ///< no file of ours: a configuration of qwen2-caldera-max
    std::vector<std::string> ignoredKeys; ///< of a foreign file: keys that mean nothing here
    /// Of a foreign file: "rank 40 -> 48", "o_proj skipped".
    std::vector<std::string> adaptedValues;

    /// Defaults, then skip_layers, then patterns in order, then the exact name.
    CellSettings settingsOf(Cell cell) const;
    bool operator==(const Plan& other) const;
};

/// Throws Error("plan.*") with file and line: unknown key (and the nearest known one), duplicate
/// key, wrong type, value out of range, newer format.
Plan parsePlan(const std::string& yaml, const std::string& where);
Plan loadPlan(const std::filesystem::path& path);
/// Canonical text: parse(print(p)) == p, and print(parse(print(p))) is byte-equal.
std::string printPlan(const Plan& plan);
void savePlan(const Plan& plan, const std::filesystem::path& path);

/// The plan used when none is given: 2 bit trellis, rank 64 (less where a matrix is small), 4-bit
/// factors.
Plan defaultPlan(const std::string& model, const ModelConfig& config);

/// Checks every cell against the model: rank above the matrix, unsupported bits or codec, a codec
/// or transform that differs inside an input group, patterns and names that match nothing. Throws
/// Error("plan.*") for the first problem.
void checkPlan(const Plan& plan, const ModelConfig& config);
/// The same of one cell's settings and matrix, wherever they stand.
void checkCell(const std::string& cell, const CellSettings& settings, MatrixShape shape);

/// Exact bytes of one compressed cell: codes, scales, factors, output signs (bias excluded). A
/// skipped cell costs 16 bits a weight.
int64_t cellBytes(const CellSettings& settings, MatrixShape shape);

struct PlanSize {
    int64_t cellBytes = 0;      ///< all cells, input signs included
    int64_t embeddingBytes = 0; ///< embeddings and head
    int64_t otherBytes = 0;     ///< norms and biases
    double bitsPerWeight = 0;   ///< cellBytes * 8 over the weights of all cells
    int64_t total() const { return cellBytes + embeddingBytes + otherBytes; }
};
PlanSize planSize(const Plan& plan, const ModelConfig& config);

} // namespace caldera
