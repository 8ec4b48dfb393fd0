#include "core/codec/codec.h"

#include <array>
#include <cmath>
#include <map>

#include "core/base/error.h"
#include "core/codec/e8p_codec.h"
#include "core/codec/e8p_pair_codec.h"
#include "core/codec/plain_codec.h"
#include "core/codec/scalar_codec.h"
#include "core/codec/trellis_codec.h"
#include "core/model/codec_facts.h"
#include "kernels/dense/dense.h"

namespace caldera {

namespace {

std::shared_ptr<const Codec> createCodec(const std::string& id) {
    if (id == "none-0") {
        return std::make_shared<AbsentCodec>();
    }
    if (id == "none-16") {
        return std::make_shared<HalfMatrixCodec>();
    }
    if (id == "e8p-2") {
        return std::make_shared<E8pCodec>();
    }
    if (const ScalarCode* code = scalarCode(id)) {
        return std::make_shared<ScalarCodec>(*code);
    }
    if (const kernels::E8pPair* pair = kernels::e8pPair(id)) {
        return std::make_shared<E8pPairCodec>(*pair);
    }
    return std::make_shared<TrellisCodec>(id);
}

} // namespace

int64_t Codec::codeBytes(MatrixShape shape) const {
    const int64_t rows = padTo(shape.rows, kRowGroup);
    const int64_t columns = padTo(shape.columns, blockColumns());
    return std::llround(static_cast<double>(rows * columns) * bitsPerWeight() / 8);
}

int64_t Codec::blockBytes() const {
    return std::llround(blockRows() * blockColumns() * bitsPerWeight() / 8);
}

int64_t Codec::blockOffset(MatrixShape shape, BlockPosition position) const {
    const int64_t columnBlocks = padTo(shape.columns, blockColumns()) / blockColumns();
    const int64_t group = position.firstRow / kRowGroup;
    const int64_t row = position.firstRow % kRowGroup;
    return ((group * columnBlocks + position.block) * kRowGroup + row) / blockRows() * blockBytes();
}

void Codec::multiplyIntegers(const CodedMatrix& /*q*/, const kernels::QuantizedBatch& /*x*/,
                             const kernels::OutputVectors& /*y*/,
                             kernels::GroupRange /*range*/) const {
    throw Error("codec.integers", "The codec " + id() + " does not multiply integers.",
                {{"codec", id()}});
}

void Codec::multiply(const CodedMatrix& q, const kernels::InputBatch& batch,
                     kernels::GroupRange range) const {
    const int64_t columns = padTo(q.shape.columns, blockColumns());
    std::vector<float> values(static_cast<size_t>(kRowGroup * columns));
    std::vector<float> products(static_cast<size_t>(batch.count * kRowGroup));
    for (int64_t i = 0; i < range.count; ++i) {
        const int64_t group = range.first + i;
        decodeRows(q.codes, q.shape, group * kRowGroup, kRowGroup, values);
        kernels::multiply(kernels::RowBlock<float>{values.data(), kRowGroup, columns, columns},
                          {batch.x, batch.count, batch.xStride}, {products.data(), kRowGroup});
        for (int64_t t = 0; t < batch.count; ++t) {
            float* y = batch.y + t * batch.yStride + i * kRowGroup;
            for (int64_t row = 0; row < kRowGroup; ++row) {
                y[row] += q.scale[static_cast<size_t>(group)] *
                          products[static_cast<size_t>(t * kRowGroup + row)];
            }
        }
    }
}

void Codec::checkCodeSize(size_t bytes, MatrixShape shape) const {
    const auto needed = static_cast<size_t>(codeBytes(shape));
    if (bytes != needed) {
        throw Error("codec.size",
                    "The " + id() + " codes of a " + std::to_string(shape.rows) + " x " +
                        std::to_string(shape.columns) + " matrix take " + std::to_string(needed) +
                        " bytes, but there are " + std::to_string(bytes) + ".",
                    {{"needed", std::to_string(needed)}, {"found", std::to_string(bytes)}});
    }
}

void Codec::checkRows(int64_t firstRow, int64_t rows, MatrixShape shape) const {
    const int64_t paddedRows = padTo(shape.rows, kRowGroup);
    if (firstRow % kRowGroup != 0 || rows % kRowGroup != 0 || firstRow < 0 || rows < 0 ||
        firstRow + rows > paddedRows) {
        throw Error("codec.shape", id() + " works on whole groups of 16 rows within " +
                                       std::to_string(paddedRows) + " rows, but was given rows " +
                                       std::to_string(firstRow) + " to " +
                                       std::to_string(firstRow + rows) + ".");
    }
}

void Codec::checkEncode(MatrixShape shape, BlockPosition position, std::span<const float> x,
                        size_t codes, size_t decoded) const {
    checkCodeSize(codes, shape);
    const auto width = static_cast<size_t>(blockColumns());
    checkRows(position.firstRow, static_cast<int64_t>(x.size() / width), shape);
    const int64_t blocks = padTo(shape.columns, blockColumns()) / blockColumns();
    if (position.block < 0 || position.block >= blocks || decoded != x.size() ||
        x.size() % width != 0) {
        throw Error("codec.shape",
                    id() + " was asked for column block " + std::to_string(position.block) +
                        " of " + std::to_string(blocks) + " with " + std::to_string(x.size()) +
                        " values in and " + std::to_string(decoded) + " out.");
    }
}

void Codec::checkDecode(MatrixShape shape, int64_t firstRow, int64_t rowCount, size_t codes,
                        size_t values) const {
    checkCodeSize(codes, shape);
    checkRows(firstRow, rowCount, shape);
    const int64_t needed = rowCount * padTo(shape.columns, blockColumns());
    if (static_cast<int64_t>(values) != needed) {
        throw Error("codec.shape", id() + " decodes " + std::to_string(needed) +
                                       " values, but there is room for " + std::to_string(values) +
                                       ".");
    }
}

std::shared_ptr<const Codec> makeCodec(const std::string& id) {
    static const std::map<std::string, std::shared_ptr<const Codec>> codecs = [] {
        std::map<std::string, std::shared_ptr<const Codec>> all;
        for (const CodecFacts& facts : codecFacts()) {
            all[facts.id] = createCodec(facts.id);
        }
        return all;
    }();
    const auto found = codecs.find(id);
    if (found == codecs.end()) {
        std::string known;
        for (const CodecFacts& facts : codecFacts()) {
            known += (known.empty() ? "" : ", ") + std::string(facts.id);
        }
        throw Error("codec.unknown",
                    "There is no codec \"" + id + "\" for Q. Known: " + known +
                        ". Change the codec (`codec`, --codec) or its bits (`bq`, --bits).",
                    {{"codec", id}, {"known", known}});
    }
    return found->second;
}

} // namespace caldera
