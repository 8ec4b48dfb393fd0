// A random model of a few thousand weights as an artifact on disk, and its logits worked out
// densely, without the runtime.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/plan/plan.h"
#include "tests/support/packed_cell.h"

namespace caldera::test {

struct TinyOptions {
    std::string architecture = "qwen2";
    bool hasTiedHead = true;
    bool scalesRope = false;
    /// Family, and bits of all cells. With e8p-3 products are of floats: no input is rounded.
    std::string codec = "e8p";
    double bits = 3;
    int embeddingBits = 16;
    int headBits = 16;
    std::vector<std::string> skipped = {};                            ///< globs over cell names
    std::vector<std::pair<std::string, CellOverride>> overrides = {}; ///< by such globs
    int contextLength = 256; ///< of the model, not of an engine
    uint32_t seed = 1;
    /// Sizes that GPUs take in whole blocks of 128, as those of large models are: 256 and 640 wide,
    /// heads of 64, rank 64. Otherwise 64 and 96, heads of 16, rank 16.
    bool isWide = false;
};

/// Overrides after which the members of a group have different codes and ranks.
std::vector<std::pair<std::string, CellOverride>> mixedCodes();

/// The tokenizer is the demo model's: 2048 tokens, ChatML marks. The folder is removed at the end.
class TinyModel {
public:
    explicit TinyModel(const TinyOptions& options = {});
    ~TinyModel();
    TinyModel(const TinyModel&) = delete;
    TinyModel& operator=(const TinyModel&) = delete;

    const std::shared_ptr<const Artifact>& artifact() const { return artifact_; }
    const std::filesystem::path& folder() const { return folder_; }

    /// Logits [vocab] after each token.
    std::vector<std::vector<float>> logits(std::span<const Token> tokens) const;

private:
    using Matrix = std::vector<float>;
    void addWeights(std::mt19937& random);
    void addCells(const Plan& plan, std::mt19937& random);
    void attend(int layer, std::vector<Matrix>& hidden) const;
    void feedForward(int layer, std::vector<Matrix>& hidden) const;
    Matrix linear(Cell cell, const Matrix& x) const;
    Matrix normed(const std::string& name, const Matrix& x) const;
    void rotate(float* head, int position) const;

    std::filesystem::path folder_;
    std::shared_ptr<Model> model_;
    std::map<std::string, Matrix> weights_; ///< what was not compressed
    std::map<Cell, PackedCell> cells_;
    std::map<Cell, Matrix> dense_;
    std::shared_ptr<const Artifact> artifact_;
};

} // namespace caldera::test
