#include "core/model/mapped_weights.h"

#include "core/base/error.h"
#include "core/model/gguf_dequantize.h"
#include "core/model/safetensors.h"

namespace caldera {

namespace {

void convertRow(const MappedTensor& tensor, std::span<const std::byte> bytes,
                std::span<float> out) {
    if (const auto type = parseGgufType(tensor.info.dtype)) {
        dequantize(*type, bytes, out);
    } else {
        convertToFloat(tensor.info.dtype, bytes, out);
    }
}

/// The row of the file that holds row `row` of the Hugging Face layout.
int64_t storedRow(int64_t row, int64_t headSize) {
    if (headSize == 0) {
        return row;
    }
    const int64_t inHead = row % headSize;
    const int64_t half = headSize / 2;
    return row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
}

} // namespace

MappedWeights::MappedWeights(std::vector<MappedTensor> tensors, std::shared_ptr<const void> owner)
    : tensors_(std::move(tensors)), owner_(std::move(owner)) {
    infos_.reserve(tensors_.size());
    for (size_t i = 0; i < tensors_.size(); ++i) {
        infos_.push_back(tensors_[i].info);
        index_.emplace(tensors_[i].info.name, i);
    }
}

const TensorInfo* MappedWeights::find(const std::string& name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &infos_[found->second];
}

const MappedTensor& MappedWeights::at(const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) {
        const std::string file = tensors_.empty() ? std::string("the model") : tensors_[0].file;
        throw Error("model.tensor-missing", file + " has no tensor \"" + name + "\".",
                    {{"file", file}, {"tensor", name}});
    }
    return tensors_[found->second];
}

std::span<const std::byte> MappedWeights::storedBytes(const std::string& name) const {
    return at(name).bytes;
}

void MappedWeights::readRows(const std::string& name, int64_t first, int64_t count,
                             std::span<float> out) const {
    const MappedTensor& tensor = at(name);
    const MatrixShape shape = rowsAndColumns(tensor.info);
    if (first < 0 || count < 0 || first > shape.rows || count > shape.rows - first ||
        out.size() != static_cast<size_t>(count * shape.columns)) {
        throw Error("model.row-range",
                    "Rows " + std::to_string(first) + " to " + std::to_string(first + count) +
                        " into " + std::to_string(out.size()) + " numbers were asked of \"" + name +
                        "\" " + shapeText(tensor.info.shape) + " in " + tensor.file + ".",
                    {{"file", tensor.file}, {"tensor", name}});
    }
    if (count == 0 || shape.columns == 0) {
        return;
    }
    const size_t rowBytes = tensor.bytes.size() / static_cast<size_t>(shape.rows);
    const auto columns = static_cast<size_t>(shape.columns);
    if (tensor.interleavedHeadSize == 0) {
        convertRow(tensor, tensor.bytes.subspan(first * rowBytes, count * rowBytes), out);
        return;
    }
    for (int64_t row = 0; row < count; ++row) {
        const int64_t source = storedRow(first + row, tensor.interleavedHeadSize);
        convertRow(tensor, tensor.bytes.subspan(source * rowBytes, rowBytes),
                   out.subspan(row * columns, columns));
    }
}

} // namespace caldera
