#include "core/fidelity/finite.h"

#include <string>

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace caldera {

namespace {

void require(const torch::Tensor& values, const std::string& what, const ErrorArgs& facts) {
    if (!at::isfinite(values).all().item<bool>()) {
        throw Error("fidelity.not-finite",
                    what + " hold NaN or infinity. The model's file is damaged or was saved in a "
                           "format too narrow for it.",
                    facts);
    }
}

} // namespace

void requireFiniteStates(int layer, const torch::Tensor& states) {
    require(states, "The states of the text after layer " + std::to_string(layer),
            {{"layer", std::to_string(layer)}});
}

void requireFinitePredictions(const torch::Tensor& logits) {
    require(logits, "The model's own predictions, from its last norm and its output head,", {});
}

} // namespace caldera
