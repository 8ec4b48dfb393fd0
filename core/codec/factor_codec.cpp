#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/codec/codec.h"
#include "kernels/lloyd/lloyd.h"

namespace caldera {
namespace {

class LloydCodec : public FactorCodec {
public:
    std::string id() const override { return "lloyd-4"; }
    double bits() const override { return 4; }
    std::span<const float> levels() const override { return kernels::lloydLevels(4); }
};

class HalfCodec : public FactorCodec {
public:
    std::string id() const override { return "none-16"; }
    double bits() const override { return 16; }
    std::span<const float> levels() const override { return {}; }
};

int64_t rowBytes(const FactorCodec& codec, int64_t columns) {
    return codec.levels().empty() ? columns * 2 : (columns + 1) / 2;
}

void checkSize(const FactorCodec& codec, const char* what, size_t found, int64_t needed) {
    if (static_cast<int64_t>(found) != needed) {
        throw Error("codec.size",
                    codec.id() + " needs " + std::to_string(needed) + " " + what +
                        " for this factor, but there are " + std::to_string(found) + ".",
                    {{"needed", std::to_string(needed)}, {"found", std::to_string(found)}});
    }
}

} // namespace

int64_t FactorCodec::codeBytes(MatrixShape shape) const {
    return shape.rows * rowBytes(*this, shape.columns);
}

std::vector<std::byte> FactorCodec::pack(std::span<const uint8_t> indices,
                                         MatrixShape shape) const {
    checkSize(*this, "level numbers", indices.size(), levels().empty() ? 0 : shape.size());
    std::vector<std::byte> codes(codeBytes(shape));
    for (int64_t row = 0; row < shape.rows; ++row) {
        std::byte* packed = codes.data() + row * rowBytes(*this, shape.columns);
        for (int64_t c = 0; c < shape.columns; ++c) {
            const auto number = static_cast<std::byte>(indices[row * shape.columns + c] & 0xFU);
            packed[c / 2] |= number << (c % 2 * 4);
        }
    }
    return codes;
}

std::vector<std::byte> FactorCodec::packValues(std::span<const float> values,
                                               MatrixShape shape) const {
    checkSize(*this, "values", values.size(), shape.size());
    if (!levels().empty()) {
        std::vector<uint8_t> indices(values.size());
        kernels::lloydQuantize(levels(), values.data(), shape.size(), indices.data());
        return pack(indices, shape);
    }
    std::vector<std::byte> codes(codeBytes(shape));
    for (size_t i = 0; i < values.size(); ++i) {
        const uint16_t half = floatToFp16(values[i]);
        std::memcpy(codes.data() + 2 * i, &half, sizeof half);
    }
    return codes;
}

void FactorCodec::decode(std::span<const std::byte> codes, MatrixShape shape,
                         std::span<float> out) const {
    checkSize(*this, "bytes of codes", codes.size(), codeBytes(shape));
    checkSize(*this, "decoded values", out.size(), shape.size());
    if (!levels().empty()) {
        const kernels::LloydMatrix matrix = {reinterpret_cast<const uint8_t*>(codes.data()),
                                             shape.rows, shape.columns};
        for (int64_t row = 0; row < shape.rows; ++row) {
            kernels::lloydDecodeRow(matrix, row, out.data() + row * shape.columns);
        }
        return;
    }
    for (size_t i = 0; i < out.size(); ++i) {
        uint16_t half = 0;
        std::memcpy(&half, codes.data() + 2 * i, sizeof half);
        out[i] = fp16ToFloat(half);
    }
}

std::shared_ptr<const FactorCodec> makeFactorCodec(const std::string& id) {
    if (id == "lloyd-4") {
        return std::make_shared<LloydCodec>();
    }
    if (id == "none-16") {
        return std::make_shared<HalfCodec>();
    }
    throw Error("codec.unknown",
                "There is no codec \"" + id +
                    "\" for the factors L and R. Known: lloyd-4, none-16. Change `bl`, `br` or "
                    "`factor_codec`.",
                {{"codec", id}, {"known", "lloyd-4, none-16"}});
}

} // namespace caldera
