#include "core/compress/packing_check.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/artifact/layout.h"
#include "core/base/error.h"
#include "core/codec/codec_tables.h"
#include "core/decompose/decompose.h"

namespace caldera {

namespace {

constexpr double kTolerance = 0.01;

} // namespace

std::map<std::string, std::string> codecTables(const Plan& plan, const ModelConfig& config) {
    std::map<std::string, std::string> tables;
    for (const std::string& id : artifactCodecs(plan, config)) {
        tables[id] = codecTableHash(id);
    }
    return tables;
}

void checkPacking(const CompressedCell& cell, const torch::Tensor& weight) {
    const torch::Tensor error = weight.to(at::kCPU) - reconstruct(cell);
    const torch::Tensor found = error.square().mean(0).sqrt(); // [columns]
    const std::vector<float>& said = cell.report.columnError;
    bool same = said.size() == static_cast<size_t>(found.numel());
    for (size_t i = 0; same && i < said.size(); ++i) {
        const double largest = std::max(said[i], found.data_ptr<float>()[i]);
        same = std::abs(said[i] - found.data_ptr<float>()[i]) <= kTolerance * largest;
    }
    if (!same) {
        throw Error("artifact.verify",
                    "The packed bytes of " + cellName(cell.cell) +
                        " do not decode to what was measured when they were made. Remove its file "
                        "from the work folder and resume; should it happen again, test the "
                        "machine's memory.",
                    {{"cell", cellName(cell.cell)}});
    }
}

} // namespace caldera
