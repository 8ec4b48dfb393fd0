#include "core/plan/packing.h"

#include <cmath>

#include "core/model/codec_facts.h"

namespace caldera {

namespace {

int64_t bytesOf(int64_t codes, double bits) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(codes) * bits / 8));
}

CodeTensor groupCodes(const CodecFacts& facts, MatrixShape shape) {
    return {padTo(shape.rows, kRowGroup) / kRowGroup,
            bytesOf(kRowGroup * padTo(shape.columns, facts.columns), facts.storedBits())};
}

CodeTensor factorCodes(const std::string& family, double bits, MatrixShape shape) {
    const CodecFacts* facts = findFactorFacts(family, bits);
    return facts != nullptr ? groupCodes(*facts, shape)
                            : CodeTensor{shape.rows, bytesOf(shape.columns, bits)};
}

} // namespace

TableRow tableRow(int bits, int64_t columns) {
    if (bits == 4) {
        const int64_t blocks = padTo(columns, kTableBlock) / kTableBlock;
        return {blocks * kTableBlock / 2, blocks};
    }
    return bits == 8 ? TableRow{columns, 1} : TableRow{2 * columns, 0};
}

CodeTensor matrixCodes(const CellSettings& settings, MatrixShape shape) {
    const CodecFacts* facts = findCodecFacts(settings.codec, settings.bits);
    // Of a codec that this version lacks, the bits alone are known.
    return groupCodes(facts != nullptr ? *facts : CodecFacts{"", "", settings.bits, 1}, shape);
}

CodeTensor leftCodes(const CellSettings& settings, MatrixShape shape) {
    return factorCodes(settings.factorCodec, settings.leftBits, {shape.rows, settings.rank});
}

CodeTensor rightCodes(const CellSettings& settings, MatrixShape shape) {
    return factorCodes(settings.factorCodec, settings.rightBits, {settings.rank, shape.columns});
}

} // namespace caldera
