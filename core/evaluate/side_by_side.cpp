#include "core/evaluate/side_by_side.h"

#include "core/evaluate/hidden_errors.h"

namespace caldera {

namespace {

/// Whether the states of both models stand for the same, block by block.
bool canCompareStates(const ModelConfig& subject, const ModelConfig& reference) {
    return subject.layerCount == reference.layerCount && subject.hiddenSize == reference.hiddenSize;
}

int64_t passedIn(const WindowGroup& group) {
    return group.windows() * group.inputs();
}

} // namespace

void planWork(const ModelConfig& config, const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    for (const WindowGroup& group : groups) {
        meter.plan(config, passedIn(group), group.predicted);
    }
}

void skipWork(const ModelConfig& config, const WindowGroup& group, WorkMeter& meter) {
    meter.skip(config, passedIn(group), group.predicted);
}

std::string nameOfText(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                       const std::string& reference) {
    return "windows/2 " + textHash(groups) + ' ' + std::to_string(request.hiddenBytes) + ' ' +
           reference;
}

JointPass beginPass(const EvaluateRequest& request, const WindowGroup& group, bool hasReference) {
    JointPass pass;
    pass.passes.emplace_back(*request.subject, std::vector{group.passing()});
    if (!hasReference) {
        return pass;
    }
    pass.passes.emplace_back(*request.reference, std::vector{group.passing()});
    if (canCompareStates(request.subject->config(), request.reference->config())) {
        const HiddenErrors errors(request.subject->config().layerCount);
        pass.numbers = errors.numbers();
        pass.afterBlock = [errors, count = group.predicted](const JointPass& both, int layer) {
            errors.add(layer, both.passes[0].hidden[0], both.passes[1].hidden[0], count);
        };
    }
    return pass;
}

std::vector<double> hiddenErrorOf(const std::vector<double>& numbers, int64_t tokens) {
    if (numbers.empty() || numbers.back() != static_cast<double>(tokens)) {
        return {};
    }
    std::vector<double> means(numbers.begin(), numbers.end() - 1);
    for (double& sum : means) {
        sum /= static_cast<double>(tokens);
    }
    return means;
}

} // namespace caldera
