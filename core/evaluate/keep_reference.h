// Runs a reference once and keeps what it predicts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/evaluate/evaluate.h"
#include "core/evaluate/model_pass.h"
#include "core/evaluate/reference_store.h"
#include "core/evaluate/windows.h"

namespace caldera {

/// Groups of which a window is not kept.
std::vector<WindowGroup> missingGroups(const std::vector<WindowGroup>& groups,
                                       const ReferenceStore& store);

/// Runs the request's reference over groups and keeps every window of them. The states between
/// blocks are copied to the store now and then, so that a run which was killed goes on there.
/// Throws Error("evaluate.not-finite"), Error("file.*"), Cancelled.
void keepReference(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                   const ReferenceStore& store, WorkMeter& meter);

/// Throws Error("evaluate.not-finite"); `model` is what the sentence calls it.
void requireFinite(std::span<const double> losses, const std::string& model);

} // namespace caldera
