// What a reference predicts, made to be kept.
#pragma once

#include <cstdint>

#include "core/evaluate/model_pass.h"
#include "core/evaluate/reference_store.h"
#include "core/evaluate/windows.h"

namespace caldera {

/// Whether all windows of a group are kept.
bool isKept(const ReferenceStore& store, const WindowGroup& group);

/// hidden [tokens, hidden] are the reference's states after its last block, of one window.
/// Throws Error("evaluate.not-finite"), Cancelled.
KeptRows predictionsOf(const Head& reference, const WindowGroup& group, int64_t window,
                       const torch::Tensor& hidden, const KeepSettings& settings,
                       const WorkMeter& meter);

/// Runs a reference by itself over a group and keeps every window of it.
/// Throws Error("evaluate.not-finite"), Error("file.*"), Cancelled.
void keepReference(const TransformerWeights& reference, const WindowGroup& group,
                   const ReferenceStore& store, WorkMeter& meter);

} // namespace caldera
