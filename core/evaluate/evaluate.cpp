#include "core/evaluate/evaluate.h"

#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/evaluate/evaluation_summary.h"
#include "core/evaluate/kept_evaluation.h"
#include "core/evaluate/resumable_scores.h"
#include "core/evaluate/side_by_side.h"
#include "core/evaluate/vocabulary_check.h"
#include "core/evaluate/windows.h"

namespace caldera {

void requireContext(int contextLength, const ModelConfig& config) {
    const int limit = config.maxPositions;
    if (contextLength < 2 || (limit > 0 && contextLength > limit)) {
        throw Error("evaluate.context",
                    "A context of " + std::to_string(contextLength) +
                        " tokens cannot be evaluated: the model has 2 to " + std::to_string(limit) +
                        ". Choose a context in that range.",
                    {{"context", std::to_string(contextLength)}, {"limit", std::to_string(limit)}});
    }
}

namespace {

void checkRequest(const EvaluateRequest& request) {
    const ModelConfig& config = request.subject->config();
    requireContext(request.contextLength, config);
    if (request.reference != nullptr) {
        requireSameVocabulary(config.vocabSize, request.reference->config().vocabSize);
    }
}

std::span<const double> lastOf(const std::vector<double>& values, int64_t count) {
    return std::span(values).last(static_cast<size_t>(count));
}

/// Both models side by side, so that their states can be compared block by block.
class SideBySide {
public:
    SideBySide(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
               WorkMeter& meter)
        : request_(request), meter_(meter), models_{request.subject.get()},
          scores_(request.work, nameOfText(request, groups, "side by side"), meter) {
        if (request.reference != nullptr) {
            models_.push_back(request.reference.get());
        }
    }

    void scoreGroup(const WindowGroup& group) {
        if (scores_.passOver(group.predicted)) {
            for (const TransformerWeights* model : models_) {
                skipWork(model->config(), group, meter_);
            }
            return;
        }
        JointPass pass = beginPass(request_, group, models_.size() > 1);
        scores_.pass(pass);
        scoreTargets(group, pass);
        scores_.endGroup();
    }

    Evaluation result() && {
        Evaluation result = summarize(std::move(scores_.scores()), request_.seed);
        result.hiddenError = hiddenErrorOf(scores_.numbers(), result.tokens);
        return result;
    }

private:
    void scoreTargets(const WindowGroup& group, const JointPass& pass) {
        std::vector<Head> heads;
        std::vector<torch::Tensor> hidden; // of each model, [tokens, hidden]
        for (const ModelPass& model : pass.passes) {
            heads.emplace_back(*model.model);
            hidden.push_back(model.hidden[0].flatten(0, 1));
        }
        const torch::Tensor targets = group.targets();
        scores_.score(group.predicted, [&](int64_t first, int64_t count) {
            const torch::Device device = heads[0].device();
            torch::Tensor reference;
            if (heads.size() > 1) {
                reference = heads[1].logits(hidden[1].narrow(0, first, count)).to(device);
            }
            TokenScores& scores = scores_.scores();
            scoreTokens(heads[0].logits(hidden[0].narrow(0, first, count)), reference,
                        targets.narrow(0, first, count).to(device), scores);
            requireFinite(lastOf(scores.loss, count), "evaluated");
            if (reference.defined()) {
                requireFinite(lastOf(scores.referenceLoss, count), "reference");
            }
        });
    }

    const EvaluateRequest& request_;
    WorkMeter& meter_;
    std::vector<const TransformerWeights*> models_;
    ResumableScores scores_;
};

Evaluation evaluateSideBySide(const EvaluateRequest& request,
                              const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    planWork(request.subject->config(), groups, meter);
    if (request.reference != nullptr) {
        planWork(request.reference->config(), groups, meter);
    }
    SideBySide pass(request, groups, meter);
    for (const WindowGroup& group : groups) {
        pass.scoreGroup(group);
    }
    return std::move(pass).result();
}

} // namespace

Evaluation evaluate(const EvaluateRequest& request, Progress& progress,
                    const std::stop_token& stop) {
    const auto start = std::chrono::steady_clock::now();
    checkRequest(request);
    progress.stage("tokenize");
    const std::vector<WindowGroup> groups = evaluationWindows(request);
    checkCancelled(stop);

    progress.stage("evaluate");
    WorkMeter meter(progress, stop);
    const bool isKept = !request.kept.empty() || (request.keep && request.reference != nullptr);
    Evaluation result = isKept ? evaluateAgainstKept(request, groups, meter)
                               : evaluateSideBySide(request, groups, meter);
    result.contextLength = request.contextLength;
    result.seconds = secondsSince(start);
    return result;
}

} // namespace caldera
