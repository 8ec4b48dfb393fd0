// Random packed cells, and the dense matrices that they mean, worked out without the runtime.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/artifact/compressed_cell.h"

namespace caldera::test {

std::vector<float> randomVector(int64_t count, std::mt19937& random, float deviation = 1.0F);

/// A cell with random codes, scales and signs whose matrix has rows of about unit length.
class PackedCell {
public:
    PackedCell(MatrixShape shape, int rank, const std::string& transform, std::mt19937& random,
               const std::string& codec = "e8p-2", const std::string& factorCodec = "lloyd-4");

    const CompressedCell& cell() const { return cell_; }
    void setCell(Cell cell) { cell_.cell = cell; }
    /// Cells of an input group have the same.
    void setInSign(std::vector<uint16_t> signs) { cell_.inSign = std::move(signs); }
    /// As an artifact would show it; borrows from this object.
    ArtifactCell view(Cell cell) const;
    /// D_v Um (Q + L R) Un^T D_u, [rows, columns].
    std::vector<float> dense() const;

private:
    std::string transform_;
    CompressedCell cell_;
};

} // namespace caldera::test
