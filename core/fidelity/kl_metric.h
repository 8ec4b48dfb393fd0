// Metric "kl": what the errors of one cell do to the model's predictions.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "core/fidelity/layer_view.h"
#include "core/model/model.h"
#include "core/report/report.h"

namespace caldera {

/// KL(original || disturbed) in nats, mean over all places of the held-out text, for each cell and
/// for the tables at 8 and 4 bits. Each is a variant that branches off the original's states at its
/// layer and passes through the layers behind; the variants of some layers pass together, so that
/// weights are read once for all of them.
class KlMetric {
public:
    /// Called after each layer that variants passed, with their number.
    using Passed = std::function<void(int64_t variants)>;
    struct Divergence {
        double mean = 0;
        double error = 0; ///< standard error of the mean, tokens taken as independent
    };
    using Record = std::function<void(FidelityMetric&, const Divergence&)>;

    KlMetric(std::shared_ptr<const TransformerWeights> weights, std::stop_token stop);

    /// Variants with rounded tables; before the first layer. embedded [n, t, hidden].
    void branchTables(const torch::Tensor& embedded);
    /// Takes the open variants through the layer and adds one for each of its modules.
    void passLayer(const LayerView& view);
    /// A variant with the errors of one module.
    void branchCell(const LayerView& view, Module module);
    /// Takes the open variants and the original's states after `layer` [n, t, hidden] to the end;
    /// adds their values to the metric. Throws Error("fidelity.not-finite"), Cancelled.
    void finish(int layer, const torch::Tensor& hidden, FidelityMetric& metric,
                const Passed& passed);
    int64_t openVariants() const { return static_cast<int64_t>(variants_.size()); }

private:
    struct Variant {
        Record record;
        torch::Tensor hidden; ///< [n, t, hidden] on the CPU; undefined: as the original's
        int headBits = 16;
    };
    torch::Tensor passOn(int layer, const torch::Tensor& hidden, const Passed& passed);
    void scoreWithHead(const torch::Tensor& last, int headBits, FidelityMetric& metric);

    std::shared_ptr<const TransformerWeights> weights_;
    std::stop_token stop_;
    std::vector<Variant> variants_;
};

} // namespace caldera
