#include "core/model/weight_source.h"

#include "core/base/error.h"

namespace caldera {

MatrixShape rowsAndColumns(const TensorInfo& tensor) {
    MatrixShape shape{1, 1};
    for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
        const bool isRowAxis = axis == 0 && tensor.shape.size() > 1;
        (isRowAxis ? shape.rows : shape.columns) *= tensor.shape[axis];
    }
    return shape;
}

std::string shapeText(const std::vector<int64_t>& shape) {
    std::string text = "[";
    for (const int64_t size : shape) {
        text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    }
    return text + "]";
}

std::vector<float> WeightSource::read(const std::string& name) const {
    const TensorInfo* tensor = find(name);
    if (tensor == nullptr) {
        throw Error("model.tensor-missing", "There is no tensor \"" + name + "\".",
                    {{"tensor", name}});
    }
    const MatrixShape shape = rowsAndColumns(*tensor);
    std::vector<float> values(static_cast<size_t>(shape.size()));
    readRows(name, 0, shape.rows, values);
    return values;
}

} // namespace caldera
