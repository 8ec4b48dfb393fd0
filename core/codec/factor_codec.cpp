#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/codec/codec.h"
#include "core/codec/fp16_range.h"
#include "core/model/codec_facts.h"
#include "kernels/lloyd/lloyd.h"

namespace caldera {
namespace {

/// Two codes a byte, the even column in the low nibble; each row begins on a new byte.
class LloydCodec : public FactorCodec {
public:
    std::string id() const override { return "lloyd-4"; }
    double bits() const override { return 4; }
    std::span<const float> levels() const override { return kernels::lloydLevels(4); }
    int64_t codeBytes(MatrixShape shape) const override {
        return shape.rows * rowBytes(shape.columns);
    }
    std::vector<std::byte> packValues(std::span<const float> values,
                                      MatrixShape shape) const override;
    void decode(std::span<const std::byte> codes, MatrixShape shape,
                std::span<float> out) const override;

private:
    static int64_t rowBytes(int64_t columns) { return (columns + 1) / 2; }
};

class HalfCodec : public FactorCodec {
public:
    std::string id() const override { return "none-16"; }
    double bits() const override { return 16; }
    int64_t codeBytes(MatrixShape shape) const override {
        return shape.size() * int64_t{kFp16Bytes};
    }
    std::vector<std::byte> packValues(std::span<const float> values,
                                      MatrixShape shape) const override;
    void decode(std::span<const std::byte> codes, MatrixShape shape,
                std::span<float> out) const override;
};

/// A codec for Q at work on a factor: its layout and padding, without scales per 16 rows.
class BlockFactorCodec : public FactorCodec {
public:
    explicit BlockFactorCodec(std::shared_ptr<const Codec> codec) : codec_(std::move(codec)) {}

    std::string id() const override { return codec_->id(); }
    double bits() const override { return codec_->bitsPerWeight(); }
    const Codec* blocks() const override { return codec_.get(); }
    int64_t codeBytes(MatrixShape shape) const override { return codec_->codeBytes(shape); }
    std::vector<std::byte> packValues(std::span<const float> values,
                                      MatrixShape shape) const override;
    void decode(std::span<const std::byte> codes, MatrixShape shape,
                std::span<float> out) const override;

private:
    std::shared_ptr<const Codec> codec_;
};

std::vector<std::byte> LloydCodec::packValues(std::span<const float> values,
                                              MatrixShape shape) const {
    checkSize("values", values.size(), shape.size());
    std::vector<uint8_t> indices(values.size());
    kernels::lloydQuantize(levels(), values.data(), shape.size(), indices.data());
    std::vector<std::byte> codes(static_cast<size_t>(codeBytes(shape)));
    for (int64_t row = 0; row < shape.rows; ++row) {
        std::byte* packed = codes.data() + row * rowBytes(shape.columns);
        for (int64_t c = 0; c < shape.columns; ++c) {
            const auto number = static_cast<std::byte>(indices[row * shape.columns + c]);
            packed[c / 2] |= number << (c % 2 * 4);
        }
    }
    return codes;
}

void LloydCodec::decode(std::span<const std::byte> codes, MatrixShape shape,
                        std::span<float> out) const {
    checkSize("bytes of codes", codes.size(), codeBytes(shape));
    checkSize("decoded values", out.size(), shape.size());
    const kernels::LloydMatrix matrix = {reinterpret_cast<const uint8_t*>(codes.data()), shape.rows,
                                         shape.columns};
    for (int64_t row = 0; row < shape.rows; ++row) {
        kernels::lloydDecodeRow(matrix, row, out.data() + row * shape.columns);
    }
}

std::vector<std::byte> HalfCodec::packValues(std::span<const float> values,
                                             MatrixShape shape) const {
    checkSize("values", values.size(), shape.size());
    std::vector<std::byte> codes(static_cast<size_t>(codeBytes(shape)));
    for (size_t i = 0; i < values.size(); ++i) {
        storeFp16(values[i], codes.data() + kFp16Bytes * i);
    }
    return codes;
}

void HalfCodec::decode(std::span<const std::byte> codes, MatrixShape shape,
                       std::span<float> out) const {
    checkSize("bytes of codes", codes.size(), codeBytes(shape));
    checkSize("decoded values", out.size(), shape.size());
    for (size_t i = 0; i < out.size(); ++i) {
        out[i] = loadFp16(codes.data() + kFp16Bytes * i);
    }
}

std::vector<std::byte> BlockFactorCodec::packValues(std::span<const float> values,
                                                    MatrixShape shape) const {
    checkSize("values", values.size(), shape.size());
    const int64_t width = codec_->blockColumns();
    const int64_t rows = padTo(shape.rows, kRowGroup);
    std::vector<std::byte> codes(static_cast<size_t>(codeBytes(shape)));
    std::vector<float> decoded(static_cast<size_t>(rows * width));
    for (int64_t block = 0; block * width < shape.columns; ++block) {
        std::vector<float> x(decoded.size()); // padding is 0
        const int64_t taken = std::min(width, shape.columns - block * width);
        for (int64_t row = 0; row < shape.rows; ++row) {
            std::copy_n(values.data() + row * shape.columns + block * width, taken,
                        x.data() + row * width);
        }
        codec_->encodeBlock(x, shape, {block, 0}, codes, decoded);
    }
    return codes;
}

void BlockFactorCodec::decode(std::span<const std::byte> codes, MatrixShape shape,
                              std::span<float> out) const {
    checkSize("decoded values", out.size(), shape.size());
    const int64_t columns = padTo(shape.columns, codec_->blockColumns());
    std::vector<float> group(static_cast<size_t>(kRowGroup * columns));
    for (int64_t first = 0; first < shape.rows; first += kRowGroup) {
        codec_->decodeRows(codes, shape, first, kRowGroup, group);
        for (int64_t row = first; row < std::min(first + kRowGroup, shape.rows); ++row) {
            std::copy_n(group.data() + (row - first) * columns, shape.columns,
                        out.data() + row * shape.columns);
        }
    }
}

} // namespace

void FactorCodec::checkSize(const char* what, size_t found, int64_t needed) const {
    if (static_cast<int64_t>(found) != needed) {
        throw Error("codec.size",
                    id() + " needs " + std::to_string(needed) + " " + what +
                        " for this factor, but there are " + std::to_string(found) + ".",
                    {{"needed", std::to_string(needed)}, {"found", std::to_string(found)}});
    }
}

std::shared_ptr<const FactorCodec> makeFactorCodec(const std::string& id) {
    if (!isFactorCodec(id)) {
        const std::string known = factorCodecChoices();
        throw Error("codec.unknown",
                    "There is no codec \"" + id + "\" for the factors L and R. Known: " + known +
                        ". Change the codec (`factor_codec`, --factor-codec) or its bits (`bl` and "
                        "`br`, --factor-bits).",
                    {{"codec", id}, {"known", known}});
    }
    if (id == "lloyd-4") {
        return std::make_shared<LloydCodec>();
    }
    if (id == "none-16") {
        return std::make_shared<HalfCodec>();
    }
    return std::make_shared<BlockFactorCodec>(makeCodec(id));
}

} // namespace caldera
