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
#include "core/evaluate/resumable_scores.h"
#include "core/evaluate/vocabulary_check.h"
#include "core/evaluate/windows.h"

namespace caldera {

namespace {

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
        requireSameVocabulary(config.vocabSize, request.reference->config().vocabSize);
    }
}

/// Whether the states of both models stand for the same, block by block.
bool canCompareStates(const ModelConfig& subject, const ModelConfig& reference) {
    return subject.layerCount == reference.layerCount && subject.hiddenSize == reference.hiddenSize;
}

int64_t passedIn(const WindowGroup& group) {
    return group.windows() * group.inputs();
}

void planWork(const ModelConfig& config, const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    for (const WindowGroup& group : groups) {
        meter.plan(config, passedIn(group), group.predicted);
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

/// What scores of a text depend on besides the models.
std::string nameOfText(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                       const std::string& reference) {
    return "windows/1 " + textHash(groups) + ' ' + std::to_string(request.hiddenBytes) + ' ' +
           reference;
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
                meter_.skip(model->config(), passedIn(group), group.predicted);
            }
            return;
        }
        JointPass pass = passOf(group);
        scores_.pass(pass);
        scoreTargets(group, pass);
        scores_.endGroup();
    }

    Evaluation result() && {
        Evaluation result = summarize(std::move(scores_.scores()), request_.seed);
        result.hiddenError = scores_.numbers();
        for (double& sum : result.hiddenError) {
            sum /= static_cast<double>(result.tokens);
        }
        return result;
    }

private:
    JointPass passOf(const WindowGroup& group) const {
        JointPass pass;
        for (const TransformerWeights* model : models_) {
            pass.passes.emplace_back(*model, std::vector{group.passing()});
        }
        if (models_.size() > 1 && canCompareStates(models_[0]->config(), models_[1]->config())) {
            const HiddenErrors errors(models_[0]->config().layerCount);
            pass.numbers = errors.sums();
            pass.afterBlock = [errors, count = group.predicted](const JointPass& both, int layer) {
                errors.add(layer, both.passes[0].hidden[0], both.passes[1].hidden[0], count);
            };
        }
        return pass;
    }

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
            requireFinite(last(scores.loss, count), "evaluated");
            if (reference.defined()) {
                requireFinite(last(scores.referenceLoss, count), "reference");
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

KeptRows loadKept(const ReferenceStore& store, int64_t window, int64_t rows) {
    std::optional<KeptRows> kept = store.load(window, rows);
    if (!kept) {
        throw Error("evaluate.kept-missing",
                    store.folder().string() +
                        " does not hold what the reference predicts for all of this text: a file "
                        "is missing or damaged. Give the reference itself and --keep-reference "
                        "once more.",
                    {{"path", store.folder().string()}});
    }
    return std::move(*kept);
}

void scoreAgainstKept(const EvaluateRequest& request, const WindowGroup& group,
                      const ReferenceStore& store, WorkMeter& meter, ResumableScores& scores) {
    const ModelConfig& config = request.subject->config();
    if (scores.passOver(group.predicted)) {
        meter.skip(config, passedIn(group), group.predicted);
        return;
    }
    JointPass pass{{ModelPass(*request.subject, {group.passing()})}};
    scores.pass(pass);
    const torch::Tensor& hidden = pass.passes[0].hidden[0];
    const Head head(*request.subject);
    const torch::Tensor targets = group.targets();
    for (int64_t window = 0; window < group.windows(); ++window) {
        const int64_t predicted = group.predictedIn(window);
        const KeptRows kept = loadKept(store, group.firstWindow + window, predicted);
        scores.score(predicted, [&](int64_t first, int64_t count) {
            scoreTokens(head.logits(hidden[window].narrow(0, first, count)),
                        kept.slice(first, count),
                        targets.narrow(0, window * group.inputs() + first, count).to(head.device()),
                        scores.scores());
            requireFinite(last(scores.scores().loss, count), "evaluated");
        });
    }
    scores.endGroup();
}

/// Throws unless the store is of this text.
void checkStore(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                const ReferenceStore& store) {
    const ReferenceFacts& facts = store.facts();
    requireSameVocabulary(request.subject->config().vocabSize, facts.vocabulary);
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
    ResumableScores scores(request.work, nameOfText(request, groups, store.facts().key()), meter);
    for (const WindowGroup& group : groups) {
        scoreAgainstKept(request, group, store, meter, scores);
    }
    Evaluation result = summarize(std::move(scores.scores()), request.seed);
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
