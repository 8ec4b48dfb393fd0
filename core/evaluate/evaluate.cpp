#include "core/evaluate/evaluate.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/evaluate/evaluation_summary.h"
#include "core/evaluate/hidden_errors.h"
#include "core/evaluate/keep_reference.h"
#include "core/evaluate/model_pass.h"
#include "core/evaluate/reference_store.h"
#include "core/evaluate/windows.h"

namespace caldera {

namespace {

void checkVocabulary(const ModelConfig& subject, int reference) {
    if (subject.vocabSize != reference) {
        throw Error("evaluate.vocabulary",
                    "The vocabularies differ: the evaluated model has " +
                        std::to_string(subject.vocabSize) + " tokens, the reference " +
                        std::to_string(reference) +
                        ". Give the model that the artifact was made from as the reference.",
                    {{"subject", std::to_string(subject.vocabSize)},
                     {"reference", std::to_string(reference)}});
    }
}

void checkRequest(const EvaluateRequest& request) {
    const ModelConfig& config = request.subject->config();
    const int limit = config.maxPositions;
    if (request.contextLength < 2 || (limit > 0 && request.contextLength > limit)) {
        throw Error(
            "evaluate.context",
            "A context of " + std::to_string(request.contextLength) +
                " tokens cannot be evaluated: the model has 2 to " + std::to_string(limit) +
                ". Choose a context in that range.",
            {{"context", std::to_string(request.contextLength)}, {"limit", std::to_string(limit)}});
    }
    if (request.reference != nullptr) {
        checkVocabulary(config, request.reference->config().vocabSize);
    }
}

/// Whether the states of both models stand for the same, block by block.
bool canCompareStates(const ModelConfig& subject, const ModelConfig& reference) {
    return subject.layerCount == reference.layerCount && subject.hiddenSize == reference.hiddenSize;
}

void planWork(const ModelConfig& config, const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    for (const WindowGroup& group : groups) {
        meter.plan(config, group.windows() * group.inputs(), group.predicted);
    }
}

std::span<const double> last(const std::vector<double>& values, int64_t count) {
    return std::span(values).last(static_cast<size_t>(count));
}

int64_t predictedIn(const std::vector<WindowGroup>& groups) {
    int64_t predicted = 0;
    for (const WindowGroup& group : groups) {
        predicted += group.predicted;
    }
    return predicted;
}

/// Both models side by side, so that their states can be compared block by block.
class SideBySide {
public:
    SideBySide(const EvaluateRequest& request, WorkMeter& meter)
        : request_(request), meter_(meter) {}

    void scoreGroup(const WindowGroup& group) {
        const std::vector<torch::Tensor> hidden = streamBlocks(group);
        const Head head(*request_.subject);
        std::optional<Head> referenceHead;
        if (request_.reference != nullptr) {
            referenceHead.emplace(*request_.reference);
        }
        const torch::Tensor targets = group.targets();
        forLogitSlices(request_.subject->config(), group.predicted,
                       [&](int64_t first, int64_t count) {
                           meter_.check();
                           torch::Tensor reference;
                           if (referenceHead) {
                               reference = referenceHead->logits(hidden[1].narrow(0, first, count));
                               reference = reference.to(head.device());
                               meter_.throughHead(request_.reference->config(), count);
                           }
                           scoreTokens(head.logits(hidden[0].narrow(0, first, count)), reference,
                                       targets.narrow(0, first, count).to(head.device()), scores_);
                           requireFinite(last(scores_.loss, count), "evaluated");
                           if (referenceHead) {
                               requireFinite(last(scores_.referenceLoss, count), "reference");
                           }
                           meter_.throughHead(request_.subject->config(), count);
                       });
    }

    Evaluation result() && {
        Evaluation result = summarize(std::move(scores_), request_.seed);
        result.hiddenError = std::move(errors_).means(result.tokens);
        return result;
    }

private:
    /// Of each model, [tokens, hidden] after the last block.
    std::vector<torch::Tensor> streamBlocks(const WindowGroup& group) {
        std::vector<ModelPass> passes;
        int layers = 0;
        for (const TransformerWeights* model : {request_.subject.get(), request_.reference.get()}) {
            if (model != nullptr) {
                passes.emplace_back(*model, std::vector{group.passing()});
                layers = std::max(layers, model->config().layerCount);
            }
        }
        const bool canCompare = passes.size() > 1 && canCompareStates(passes[0].model->config(),
                                                                      passes[1].model->config());
        for (int layer = 0; layer < layers; ++layer) {
            for (ModelPass& pass : passes) {
                if (layer < pass.model->config().layerCount) {
                    pass.passBlock(layer, meter_);
                }
            }
            if (canCompare) {
                errors_.add(layer, passes[0].hidden[0], passes[1].hidden[0], group.predicted);
            }
        }
        std::vector<torch::Tensor> hidden;
        for (const ModelPass& pass : passes) {
            hidden.push_back(pass.hidden[0].flatten(0, 1));
        }
        return hidden;
    }

    const EvaluateRequest& request_;
    WorkMeter& meter_;
    TokenScores scores_;
    HiddenErrors errors_;
};

Evaluation evaluateSideBySide(const EvaluateRequest& request,
                              const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    planWork(request.subject->config(), groups, meter);
    if (request.reference != nullptr) {
        planWork(request.reference->config(), groups, meter);
    }
    SideBySide pass(request, meter);
    for (const WindowGroup& group : groups) {
        pass.scoreGroup(group);
    }
    return std::move(pass).result();
}

void scoreAgainstKept(const EvaluateRequest& request, const WindowGroup& group,
                      const ReferenceStore& store, WorkMeter& meter, TokenScores& scores) {
    const ModelConfig& config = request.subject->config();
    ModelPass pass(*request.subject, {group.passing()});
    pass.passAllBlocks(meter);
    const Head head(*request.subject);
    const torch::Tensor targets = group.targets();
    for (int64_t window = 0; window < group.windows(); ++window) {
        const int64_t predicted = group.predictedIn(window);
        const auto kept = store.load(group.firstWindow + window, predicted);
        if (!kept) {
            throw Error("evaluate.kept-missing",
                        store.folder().string() +
                            " does not hold what the reference predicts for all of this text: a "
                            "file is missing or damaged. Give the reference itself and "
                            "--keep-reference once more.",
                        {{"path", store.folder().string()}});
        }
        forLogitSlices(config, predicted, [&](int64_t first, int64_t count) {
            meter.check();
            scoreTokens(head.logits(pass.hidden[0][window].narrow(0, first, count)),
                        kept->slice(first, count),
                        targets.narrow(0, window * group.inputs() + first, count).to(head.device()),
                        scores);
            requireFinite(last(scores.loss, count), "evaluated");
            meter.throughHead(config, count);
        });
    }
}

/// Throws unless the store is of this text.
void checkStore(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                const ReferenceStore& store) {
    const ReferenceFacts& facts = store.facts();
    checkVocabulary(request.subject->config(), facts.vocabulary);
    if (facts.text != textHash(groups) || facts.contextLength != request.contextLength ||
        facts.predicted != predictedIn(groups)) {
        throw Error("evaluate.kept-other",
                    store.folder().string() + " keeps what " + facts.name +
                        " predicts for another text, or in windows of another length (" +
                        std::to_string(facts.contextLength) +
                        " tokens). Evaluate the text that it was made from, with the same "
                        "--context and --max-tokens.",
                    {{"path", store.folder().string()}});
    }
}

ReferenceStore storeFor(const EvaluateRequest& request, const std::vector<WindowGroup>& groups) {
    if (request.reference == nullptr) {
        return ReferenceStore::open(request.kept);
    }
    const KeepReference& keep = *request.keep;
    return ReferenceStore::create(
        keep.root, {keep.name, keep.fingerprint, textHash(groups), request.contextLength,
                    predictedIn(groups), request.reference->config().vocabSize, keep.settings});
}

Evaluation evaluateAgainstKept(const EvaluateRequest& request,
                               const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    const ReferenceStore store = storeFor(request, groups);
    checkStore(request, groups, store);
    planWork(request.subject->config(), groups, meter);
    if (request.reference != nullptr) {
        const std::vector<WindowGroup> missing = missingGroups(groups, store);
        planWork(request.reference->config(), missing, meter);
        keepReference(request, missing, store, meter);
    }
    TokenScores scores;
    for (const WindowGroup& group : groups) {
        scoreAgainstKept(request, group, store, meter, scores);
    }
    Evaluation result = summarize(std::move(scores), request.seed);
    result.keptFolder = store.folder();
    result.keptName = store.facts().name;
    return result;
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
