#include "core/plan/packing.h"
#include "core/plan/plan.h"
#include "core/plan/plan_cells.h"

namespace caldera {

int64_t cellBytes(const CellSettings& settings, MatrixShape shape) {
    constexpr int64_t kHalfBytes = 2;
    if (settings.skip) {
        return shape.size() * kHalfBytes;
    }
    const CodeTensor codes = matrixCodes(settings, shape);
    const int64_t scales = codes.rows * kHalfBytes;
    const int64_t signs = shape.rows * kHalfBytes;
    int64_t factors = 0;
    if (settings.rank > 0) {
        factors = leftCodes(settings, shape).bytes() + rightCodes(settings, shape).bytes() +
                  2 * settings.rank * kHalfBytes;
    }
    return codes.bytes() + scales + signs + factors;
}

PlanSize planSize(const Plan& plan, const ModelConfig& config) {
    return PlanCells(plan, config).size();
}

} // namespace caldera
