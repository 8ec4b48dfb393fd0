#include "core/evaluate/kept_evaluation.h"

#include <filesystem>
#include <optional>
#include <span>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/evaluate/evaluation_summary.h"
#include "core/evaluate/keep_reference.h"
#include "core/evaluate/reference_store.h"
#include "core/evaluate/resumable_scores.h"
#include "core/evaluate/side_by_side.h"
#include "core/evaluate/vocabulary_check.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

int64_t predictedIn(const std::vector<WindowGroup>& groups) {
    int64_t predicted = 0;
    for (const WindowGroup& group : groups) {
        predicted += group.predicted;
    }
    return predicted;
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

/// A run that makes predictions goes on after a kill even when it has no work folder.
EvaluationWork workOf(const EvaluateRequest& request, const ReferenceStore& store) {
    EvaluationWork work = request.work;
    if (request.reference != nullptr && work.states.empty()) {
        work.states = store.hiddenFolder();
        work.longestGap = request.keep->checkpointSeconds;
    }
    return work;
}

class KeptEvaluation {
public:
    KeptEvaluation(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                   WorkMeter& meter)
        : request_(request), meter_(meter), store_(storeFor(request, groups)),
          scores_(workOf(request, store_), nameOfText(request, groups, store_.facts().key()),
                  meter) {
        checkStore(request, groups, store_);
    }

    /// Whether the reference's predictions have yet to be made.
    bool isMissing(const WindowGroup& group) const {
        return request_.reference != nullptr && !isKept(store_, group);
    }

    void scoreGroup(const WindowGroup& group, bool isMissing) {
        if (scores_.passOver(group.predicted)) {
            skipWork(request_.subject->config(), group, meter_);
            if (isMissing) {
                keepReference(*request_.reference, group, store_, meter_);
            }
            return;
        }
        JointPass pass = beginPass(request_, group, isMissing);
        scores_.pass(pass);
        if (isMissing) {
            scoreWhatIsMade(group, pass);
        } else {
            const Head subject(*request_.subject);
            for (int64_t window = 0; window < group.windows(); ++window) {
                scoreWindow(group, window, pass, subject, loadKept(group, window));
            }
            scores_.endGroup();
        }
    }

    Evaluation result() && {
        if (request_.reference != nullptr) {
            std::error_code ignored; // copies that nobody needs any more
            fs::remove_all(store_.hiddenFolder(), ignored);
        }
        Evaluation result = summarize(std::move(scores_.scores()), request_.seed);
        result.hiddenError = hiddenErrorOf(scores_.numbers(), result.tokens);
        result.keptFolder = store_.folder();
        result.keptName = store_.facts().name;
        return result;
    }

private:
    /// The last window that is made is kept when the group is scored: what a run that was killed
    /// did not score is still missing, so the one that goes on compares the states there too.
    void scoreWhatIsMade(const WindowGroup& group, const JointPass& pass) {
        const Head subject(*request_.subject);
        const Head reference(*request_.reference);
        std::optional<std::pair<int64_t, KeptRows>> made;
        const auto keepMade = [&] {
            if (made) {
                store_.save(made->first, made->second);
            }
        };
        for (int64_t window = 0; window < group.windows(); ++window) {
            const int64_t number = group.firstWindow + window;
            std::optional<KeptRows> rows = store_.load(number, group.predictedIn(window));
            if (!rows) {
                keepMade();
                rows = predictionsOf(reference, group, window, pass.passes[1].hidden[0][window],
                                     store_.facts().keep, meter_);
                made.emplace(number, *rows);
            }
            scoreWindow(group, window, pass, subject, *rows);
        }
        scores_.endGroup();
        keepMade();
    }

    KeptRows loadKept(const WindowGroup& group, int64_t window) const {
        std::optional<KeptRows> kept =
            store_.load(group.firstWindow + window, group.predictedIn(window));
        if (!kept) {
            throw Error("evaluate.kept-missing",
                        store_.folder().string() +
                            " does not hold what the reference predicts for all of this text: a "
                            "file is missing or damaged. Give the reference itself and "
                            "--keep-reference once more.",
                        {{"path", store_.folder().string()}});
        }
        return std::move(*kept);
    }

    void scoreWindow(const WindowGroup& group, int64_t window, const JointPass& pass,
                     const Head& head, const KeptRows& kept) {
        const torch::Tensor hidden = pass.passes[0].hidden[0][window]; // [tokens, hidden]
        const torch::Tensor targets = group.targets();
        scores_.score(group.predictedIn(window), [&](int64_t first, int64_t count) {
            TokenScores& scores = scores_.scores();
            scoreTokens(head.logits(hidden.narrow(0, first, count)), kept.slice(first, count),
                        targets.narrow(0, window * group.inputs() + first, count).to(head.device()),
                        scores);
            requireFinite(std::span(scores.loss).last(static_cast<size_t>(count)), "evaluated");
        });
    }

    const EvaluateRequest& request_;
    WorkMeter& meter_;
    ReferenceStore store_;
    ResumableScores scores_;
};

} // namespace

Evaluation evaluateAgainstKept(const EvaluateRequest& request,
                               const std::vector<WindowGroup>& groups, WorkMeter& meter) {
    KeptEvaluation evaluation(request, groups, meter);
    planWork(request.subject->config(), groups, meter);
    std::vector<bool> isMissing;
    for (const WindowGroup& group : groups) {
        isMissing.push_back(evaluation.isMissing(group));
        if (isMissing.back()) {
            planWork(request.reference->config(), {group}, meter);
        }
    }
    for (size_t i = 0; i < groups.size(); ++i) {
        evaluation.scoreGroup(groups[i], isMissing[i]);
    }
    return std::move(evaluation).result();
}

} // namespace caldera
