#include "core/evaluate/keep_reference.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/evaluate/state_copies.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

/// The reference's states after its last block, from the newest copy on.
torch::Tensor streamReference(const EvaluateRequest& request, const WindowGroup& group,
                              const ReferenceStore& store, WorkMeter& meter) {
    const StateCopies copies(store.hiddenFolder(), store.facts().key() + "/" +
                                                       std::to_string(group.firstWindow) + "+" +
                                                       std::to_string(group.windows()));
    CopyClock clock(request.keep->checkpointSeconds);
    JointPass pass{{ModelPass(*request.reference, {group.passing()})}};
    pass.passAllBlocks(copies, clock, meter);
    return pass.passes[0].hidden[0];
}

void keepGroup(const EvaluateRequest& request, const WindowGroup& group,
               const ReferenceStore& store, WorkMeter& meter) {
    const ModelConfig& config = request.reference->config();
    const torch::Tensor hidden = streamReference(request, group, store, meter);
    const Head head(*request.reference);
    const torch::Tensor targets = group.targets();
    for (int64_t window = 0; window < group.windows(); ++window) {
        const int64_t count = group.predictedIn(window);
        KeptRows rows = emptyRows(count, config.vocabSize, store.facts().keep);
        forLogitSlices(config, count, [&](int64_t first, int64_t some) {
            meter.check();
            const int64_t place = window * group.inputs() + first;
            keepRows(head.logits(hidden[window].narrow(0, first, some)),
                     targets.narrow(0, place, some).to(head.device()),
                     group.firstWindow * group.inputs() + place, store.facts().keep, rows, first);
            meter.throughHead(config, some);
        });
        requireFinite({rows.loss.data_ptr<double>(), static_cast<size_t>(count)}, "reference");
        store.save(group.firstWindow + window, rows);
    }
}

} // namespace

std::vector<WindowGroup> missingGroups(const std::vector<WindowGroup>& groups,
                                       const ReferenceStore& store) {
    std::vector<WindowGroup> missing;
    for (const WindowGroup& group : groups) {
        for (int64_t window = 0; window < group.windows(); ++window) {
            if (!store.load(group.firstWindow + window, group.predictedIn(window))) {
                missing.push_back(group);
                break;
            }
        }
    }
    return missing;
}

void keepReference(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                   const ReferenceStore& store, WorkMeter& meter) {
    for (const WindowGroup& group : groups) {
        keepGroup(request, group, store, meter);
    }
    std::error_code ignored; // copies that nobody needs any more
    fs::remove_all(store.hiddenFolder(), ignored);
}

void requireFinite(std::span<const double> losses, const std::string& model) {
    if (!std::all_of(losses.begin(), losses.end(),
                     [](double loss) { return std::isfinite(loss); })) {
        throw Error("evaluate.not-finite",
                    "The " + model +
                        " model predicts NaN or infinity, so it has no perplexity. Its file is "
                        "damaged or was saved in a format too narrow for it.",
                    {{"model", model}});
    }
}

} // namespace caldera
