#include "core/decompose/cell_basis.h"

#include <ATen/ATen.h>

#include "core/codec/transform.h"
#include "core/linalg/random.h"
#include "core/linalg/rotation.h"

namespace caldera {

CellBasis::CellBasis(const GroupBasis& group, const CellSettings& settings, int64_t rows,
                     uint64_t seed)
    : group_(group),
      outSign_(settings.transform == "none"
                   ? at::ones({rows, 1}, group.inSign.options())
                   : randomSigns(rows, 1, deriveSeed(seed, "out-sign")).to(group.inSign.device())),
      outBlock_(transformBlock(settings.transform, rows)) {}

torch::Tensor CellBasis::rotated(const torch::Tensor& weight) const {
    return rotateRows(rotateColumns(weight * outSign_ * group_.inSign, group_.transformBlock),
                      outBlock_);
}

torch::Tensor CellBasis::unrotated(const torch::Tensor& rotated) const {
    return rotateColumns(rotateRows(rotated, outBlock_), group_.transformBlock) * group_.inSign *
           outSign_;
}

} // namespace caldera
