#include "core/plan/packing.h"

#include <cmath>

#include "core/model/codec_facts.h"

namespace caldera {

namespace {

int64_t bytesOf(int64_t codes, double bits) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(codes) * bits / 8));
}

CodeTensor groupCodes(const CodecFacts* facts, double bits, MatrixShape shape) {
    const int64_t columns = facts != nullptr ? padTo(shape.columns, facts->columns) : shape.columns;
    return {padTo(shape.rows, kRowGroup) / kRowGroup, bytesOf(kRowGroup * columns, bits)};
}

CodeTensor factorCodes(const std::string& family, double bits, MatrixShape shape) {
    const CodecFacts* facts = findFactorFacts(family, bits);
    return facts != nullptr ? groupCodes(facts, bits, shape)
                            : CodeTensor{shape.rows, bytesOf(shape.columns, bits)};
}

} // namespace

CodeTensor matrixCodes(const CellSettings& settings, MatrixShape shape) {
    return groupCodes(findCodecFacts(settings.codec, settings.bits), settings.bits, shape);
}

CodeTensor leftCodes(const CellSettings& settings, MatrixShape shape) {
    return factorCodes(settings.factorCodec, settings.leftBits, {shape.rows, settings.rank});
}

CodeTensor rightCodes(const CellSettings& settings, MatrixShape shape) {
    return factorCodes(settings.factorCodec, settings.rightBits, {settings.rank, shape.columns});
}

} // namespace caldera
