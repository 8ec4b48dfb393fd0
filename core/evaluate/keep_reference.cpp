#include "core/evaluate/keep_reference.h"

#include <span>

#include <ATen/ATen.h>

namespace caldera {

bool isKept(const ReferenceStore& store, const WindowGroup& group) {
    for (int64_t window = 0; window < group.windows(); ++window) {
        if (!store.load(group.firstWindow + window, group.predictedIn(window))) {
            return false;
        }
    }
    return true;
}

KeptRows predictionsOf(const Head& reference, const WindowGroup& group, int64_t window,
                       const torch::Tensor& hidden, const KeepSettings& settings,
                       const WorkMeter& meter) {
    const ModelConfig& config = reference.model->config();
    const torch::Tensor targets = group.targets();
    const int64_t count = group.predictedIn(window);
    KeptRows rows = emptyRows(count, config.vocabSize, settings);
    forLogitSlices(config, count, [&](int64_t first, int64_t some) {
        meter.check();
        const int64_t place = window * group.inputs() + first;
        keepRows(reference.logits(hidden.narrow(0, first, some)),
                 targets.narrow(0, place, some).to(reference.device()),
                 group.firstWindow * group.inputs() + place, settings, rows, first);
    });
    requireFinite({rows.loss.data_ptr<double>(), static_cast<size_t>(count)}, "reference");
    return rows;
}

void keepReference(const TransformerWeights& reference, const WindowGroup& group,
                   const ReferenceStore& store, WorkMeter& meter) {
    ModelPass pass(reference, {group.passing()});
    pass.passAllBlocks(meter);
    const Head head(reference);
    for (int64_t window = 0; window < group.windows(); ++window) {
        store.save(
            group.firstWindow + window,
            predictionsOf(head, group, window, pass.hidden[0][window], store.facts().keep, meter));
        meter.throughHead(reference.config(), group.predictedIn(window));
    }
}

} // namespace caldera
