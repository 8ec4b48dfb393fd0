#include "core/artifact/model_tensors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>

#include "core/artifact/artifact.h"
#include "core/artifact/table_codes.h"
#include "core/base/error.h"
#include "core/base/half.h"
#include "core/base/text.h"
#include "core/plan/packing.h"

namespace caldera {

namespace {

using Bytes = std::vector<std::byte>;

template <class T>
Bytes bytesOf(const std::vector<T>& values) {
    const auto raw = std::as_bytes(std::span(values));
    return {raw.begin(), raw.end()};
}

/// What no cell holds (tables, norms, biases, matrices kept whole) passes through unchanged, and a
/// single NaN in it would make every answer one.
void requireWithin(const std::string& tensor, std::span<const float> values, float largest) {
    // A comparison with NaN is false.
    if (!std::all_of(values.begin(), values.end(),
                     [largest](float value) { return std::abs(value) <= largest; })) {
        throw Error("artifact.not-finite",
                    "The tensor " + tensor + " holds NaN, infinity, or numbers above " +
                        numberText(largest) +
                        ". The model file is damaged or was saved in a format too narrow for it.",
                    {{"tensor", tensor}});
    }
}

/// Calls take(row, values) for each row of a weight of the model; none may be beyond `largest`.
template <class Take>
void forEachRow(const Model& model, const TensorSpec& spec, int64_t width, float largest,
                Take take) {
    constexpr int64_t kRowsAtOnce = 256;
    const int64_t rows = spec.shape.at(0);
    const auto columns = static_cast<size_t>(width);
    std::vector<float> values(kRowsAtOnce * columns);
    for (int64_t first = 0; first < rows; first += kRowsAtOnce) {
        const int64_t count = std::min(kRowsAtOnce, rows - first);
        const auto part = std::span(values).first(static_cast<size_t>(count) * columns);
        model.weights->readRows(spec.name, first, count, part);
        requireWithin(spec.name, part, largest);
        for (int64_t row = 0; row < count; ++row) {
            take(static_cast<size_t>(first + row),
                 part.subspan(static_cast<size_t>(row) * columns, columns));
        }
    }
}

struct Rows {
    int64_t columns;
    int bits;
    float largest; ///< that the codes can stand for
};

template <class Encode>
ModelTensor encoded(const Model& model, const TensorSpec& spec, const Rows& rows, Encode encode) {
    const int64_t count = spec.shape.at(0);
    const TableRow layout = tableRow(rows.bits, rows.columns);
    Bytes codes(static_cast<size_t>(spec.bytes()));
    std::vector<uint16_t> scales(static_cast<size_t>(count * layout.scales));
    const ArtifactTable table{{count, rows.columns}, rows.bits, codes, scales};
    forEachRow(model, spec, rows.columns, rows.largest,
               [&](size_t row, std::span<const float> values) {
                   encode(values, codes.data() + row * static_cast<size_t>(layout.codeBytes),
                          scales.data() + row * static_cast<size_t>(layout.scales));
                   requireTableRow(spec.name, table, static_cast<int64_t>(row), values);
               });
    return {std::move(codes), bytesOf(scales)};
}

ModelTensor bf16(const Model& model, const TensorSpec& spec) {
    constexpr float kLargestBf16 = 0x1.FEp127F;
    return encoded(model, spec, {spec.shape.at(1), 16, kLargestBf16},
                   [](std::span<const float> values, std::byte* codes, uint16_t*) {
                       std::transform(values.begin(), values.end(),
                                      reinterpret_cast<uint16_t*>(codes), floatToBf16);
                   });
}

ModelTensor eightBit(const Model& model, const TensorSpec& spec) {
    return encoded(model, spec, {spec.shape.at(1), 8, kLargestEightBit},
                   [](std::span<const float> values, std::byte* codes, uint16_t* scale) {
                       *scale = encodeEightBit(values, reinterpret_cast<int8_t*>(codes));
                   });
}

ModelTensor fourBit(const Model& model, const TensorSpec& spec) {
    return encoded(model, spec, {model.config.hiddenSize, 4, kLargestFourBit},
                   [](std::span<const float> values, std::byte* codes, uint16_t* scale) {
                       encodeFourBit(values, reinterpret_cast<uint8_t*>(codes), scale);
                   });
}

} // namespace

ModelTensor modelTensor(const Model& model, const TensorSpec& spec) {
    if (spec.dtype == "F32") {
        const std::vector<float> values = model.weights->read(spec.name);
        requireWithin(spec.name, values, std::numeric_limits<float>::max());
        return {bytesOf(values), {}};
    }
    return spec.dtype == "U8"   ? fourBit(model, spec)
           : spec.dtype == "I8" ? eightBit(model, spec)
                                : bf16(model, spec);
}

} // namespace caldera
