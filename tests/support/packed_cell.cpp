#include "tests/support/packed_cell.h"

#include <cmath>

#include "core/base/half.h"
#include "core/codec/codec.h"
#include "core/codec/transform.h"
#include "kernels/hadamard/hadamard.h"
#include "tests/support/random_codes.h"

namespace caldera::test {

namespace {

std::vector<std::byte> encodedNoise(const Codec& codec, MatrixShape shape, std::mt19937& random) {
    std::vector<std::byte> codes(static_cast<size_t>(codec.codeBytes(shape)));
    const int64_t width = codec.blockColumns();
    std::vector<float> decoded(static_cast<size_t>(padTo(shape.rows, kRowGroup) * width));
    for (int64_t block = 0; block * width < shape.columns; ++block) {
        codec.encodeBlock(randomVector(static_cast<int64_t>(decoded.size()), random), shape,
                          {block, 0}, codes, decoded);
    }
    return codes;
}

/// Any bytes are codes, but where codes hold fp16 numbers.
std::vector<std::byte> randomCodes(const Codec& codec, MatrixShape shape, std::mt19937& random) {
    const bool anyBytes = codec.id().starts_with("e8p") || codec.id().starts_with("trellis");
    return anyBytes ? randomBytes(codec.codeBytes(shape), random)
                    : encodedNoise(codec, shape, random);
}

std::vector<uint16_t> randomScales(int64_t count, float typical, std::mt19937& random) {
    std::uniform_real_distribution<float> share(0.5F, 1.5F);
    std::vector<uint16_t> scales;
    for (int64_t i = 0; i < count; ++i) {
        scales.push_back(floatToFp16(typical * share(random)));
    }
    return scales;
}

PackedMatrix randomFactor(const std::string& codec, MatrixShape shape, int64_t scales,
                          float typical, std::mt19937& random) {
    return {codec, shape, randomBytes(makeFactorCodec(codec)->codeBytes(shape), random),
            randomScales(scales, typical, random)};
}

std::vector<float> decodeFactor(const PackedMatrix& factor) {
    std::vector<float> values(static_cast<size_t>(factor.shape.size()));
    makeFactorCodec(factor.codec)->decode(factor.codes, factor.shape, values);
    return values;
}

} // namespace

std::vector<float> randomVector(int64_t count, std::mt19937& random, float deviation) {
    std::normal_distribution<float> normal(0.0F, deviation);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
        value = normal(random);
    }
    return values;
}

PackedCell::PackedCell(MatrixShape shape, int rank, const std::string& transform,
                       std::mt19937& random, const std::string& codecId,
                       const std::string& factorCodec)
    : transform_(transform) {
    const auto codec = makeCodec(codecId);
    const float typical = 1.0F / std::sqrt(static_cast<float>(shape.columns));
    cell_.q = {codecId, shape, randomCodes(*codec, shape, random),
               randomScales(padTo(shape.rows, kRowGroup) / kRowGroup, typical, random)};
    cell_.l.shape = {shape.rows, rank};
    cell_.r.shape = {rank, shape.columns};
    if (rank > 0) {
        cell_.l = randomFactor(factorCodec, {shape.rows, rank}, rank, 0.3F, random);
        cell_.r = randomFactor(factorCodec, {rank, shape.columns}, rank, typical, random);
    }
    cell_.outSign = randomSigns(shape.rows, random);
    cell_.inSign = randomSigns(shape.columns, random);
    cell_.report.shape = shape;
    cell_.report.settings.rank = rank;
    cell_.report.settings.transform = transform;
}

ArtifactCell PackedCell::view(Cell cell) const {
    const auto viewOf = [](const PackedMatrix& matrix) {
        return PackedView{matrix.codec, matrix.shape, matrix.codes, matrix.scale};
    };
    ArtifactCell view;
    view.cell = cell;
    view.q = viewOf(cell_.q);
    view.l = viewOf(cell_.l);
    view.r = viewOf(cell_.r);
    view.outSign = cell_.outSign;
    view.inSign = cell_.inSign;
    view.transform = transform_;
    return view;
}

std::vector<float> PackedCell::dense() const {
    const MatrixShape shape = cell_.q.shape;
    const auto codec = makeCodec(cell_.q.codec);
    const int64_t paddedRows = padTo(shape.rows, kRowGroup);
    const int64_t paddedColumns = padTo(shape.columns, codec->blockColumns());
    std::vector<float> q(static_cast<size_t>(paddedRows * paddedColumns));
    codec->decodeRows(cell_.q.codes, shape, 0, paddedRows, q);
    const int64_t rank = cell_.rank();
    const std::vector<float> l = rank > 0 ? decodeFactor(cell_.l) : std::vector<float>();
    const std::vector<float> r = rank > 0 ? decodeFactor(cell_.r) : std::vector<float>();

    std::vector<float> weight;
    for (int64_t row = 0; row < shape.rows; ++row) {
        const float scale = fp16ToFloat(cell_.q.scale[static_cast<size_t>(row / kRowGroup)]);
        for (int64_t column = 0; column < shape.columns; ++column) {
            double value = scale * q[static_cast<size_t>(row * paddedColumns + column)];
            for (int64_t k = 0; k < rank; ++k) {
                value += static_cast<double>(l[static_cast<size_t>(row * rank + k)]) *
                         fp16ToFloat(cell_.l.scale[static_cast<size_t>(k)]) *
                         fp16ToFloat(cell_.r.scale[static_cast<size_t>(k)]) *
                         r[static_cast<size_t>(k * shape.columns + column)];
            }
            weight.push_back(static_cast<float>(value));
        }
    }
    // Rows times Un^T, then columns times Um: the transform is symmetric.
    kernels::blockHadamard(weight.data(), shape.rows, shape.columns,
                           transformBlock(transform_, shape.columns));
    std::vector<float> column(static_cast<size_t>(shape.rows));
    for (int64_t c = 0; c < shape.columns; ++c) {
        for (int64_t row = 0; row < shape.rows; ++row) {
            column[static_cast<size_t>(row)] = weight[static_cast<size_t>(row * shape.columns + c)];
        }
        kernels::blockHadamard(column.data(), 1, shape.rows,
                               transformBlock(transform_, shape.rows));
        for (int64_t row = 0; row < shape.rows; ++row) {
            weight[static_cast<size_t>(row * shape.columns + c)] =
                column[static_cast<size_t>(row)] *
                fp16ToFloat(cell_.outSign[static_cast<size_t>(row)]) *
                fp16ToFloat(cell_.inSign[static_cast<size_t>(c)]);
        }
    }
    return weight;
}

} // namespace caldera::test
