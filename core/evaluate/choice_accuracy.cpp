#include "core/evaluate/choice_accuracy.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <span>

#include <ATen/ATen.h>

#include "core/base/elapsed.h"
#include "core/base/hash.h"
#include "core/evaluate/choice_sequences.h"
#include "core/evaluate/evaluation_summary.h"
#include "core/evaluate/resumable_scores.h"
#include "core/evaluate/token_scores.h"
#include "core/evaluate/vocabulary_check.h"

namespace caldera {

namespace {

using Groups = std::vector<std::vector<ChoiceBatch>>;

int64_t scoredIn(const std::vector<ChoiceBatch>& group) {
    return std::accumulate(
        group.begin(), group.end(), int64_t{0},
        [](int64_t sum, const ChoiceBatch& batch) { return sum + batch.targets.numel(); });
}

int64_t passedIn(const std::vector<ChoiceBatch>& group) {
    return std::accumulate(
        group.begin(), group.end(), int64_t{0},
        [](int64_t sum, const ChoiceBatch& batch) { return sum + batch.tokens.numel(); });
}

/// Appends the losses of the group's scored tokens, batch by batch.
void scoreGroup(const TransformerWeights& model, const std::vector<ChoiceBatch>& group,
                const std::string& name, ResumableScores& scores) {
    std::vector<torch::Tensor> tokens;
    for (const ChoiceBatch& batch : group) {
        tokens.push_back(batch.tokens);
    }
    JointPass pass{{ModelPass(model, tokens)}};
    scores.pass(pass);
    const Head head(model);
    for (size_t i = 0; i < group.size(); ++i) {
        const torch::Tensor hidden = pass.passes[0].hidden[i].flatten(0, 1); // [n t, hidden]
        const torch::Tensor scored =
            hidden.index_select(0, group[i].places.to(hidden.device())); // [scored, hidden]
        scores.score(scored.size(0), [&](int64_t first, int64_t count) {
            scoreTokens(head.logits(scored.narrow(0, first, count)), torch::Tensor(),
                        group[i].targets.narrow(0, first, count).to(head.device()),
                        scores.scores());
        });
    }
    requireFinite(scores.scores().loss, name);
    scores.endGroup();
}

/// Adds up the losses, batch by batch, to the choices that they are of.
ChoiceLikelihoods likelihoodsOf(const std::vector<ChoiceSequence>& sequences,
                                const std::vector<Question>& questions, const Groups& groups,
                                const std::vector<double>& losses) {
    ChoiceLikelihoods likelihoods(questions.size());
    for (size_t i = 0; i < questions.size(); ++i) {
        likelihoods[i].resize(questions[i].choices.size());
    }
    auto next = losses.begin();
    for (const std::vector<ChoiceBatch>& group : groups) {
        for (const ChoiceBatch& batch : group) {
            for (int64_t row = 0; row < batch.tokens.size(0); ++row) {
                const ChoiceSequence& sequence = sequences[batch.first + static_cast<size_t>(row)];
                double& sum = likelihoods[sequence.question][sequence.choice];
                for (size_t place = sequence.begin; place < sequence.tokens.size(); ++place) {
                    sum -= *next++;
                }
            }
        }
    }
    return likelihoods;
}

/// Characters of a continuation without the space before it.
double characters(const std::string& text) {
    const auto isFirstByte = [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    };
    const auto count = std::count_if(text.begin(), text.end(), isFirstByte);
    return static_cast<double>(text.starts_with(' ') ? count - 1 : count);
}

/// What a model answers, question by question.
struct Answers {
    std::vector<size_t> choice;
    std::vector<double> plain, normalized; ///< 1 where it is right, else 0
};

Answers answersOf(const ChoiceLikelihoods& likelihoods, const std::vector<Question>& questions) {
    const auto best = [](const std::vector<double>& values) {
        return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
    };
    Answers answers;
    for (size_t i = 0; i < questions.size(); ++i) {
        const auto right = static_cast<size_t>(questions[i].answer);
        std::vector<double> perCharacter = likelihoods[i];
        for (size_t j = 0; j < perCharacter.size(); ++j) {
            perCharacter[j] /= characters(questions[i].choices[j].continuation);
        }
        answers.choice.push_back(best(likelihoods[i]));
        answers.plain.push_back(answers.choice.back() == right ? 1 : 0);
        answers.normalized.push_back(best(perCharacter) == right ? 1 : 0);
    }
    return answers;
}

void compare(const Answers& subject, const Answers& reference, ChoiceEvaluation& result) {
    const auto lead = [](std::vector<double> values, const std::vector<double>& others) {
        std::transform(values.begin(), values.end(), others.begin(), values.begin(),
                       std::minus<>());
        return values;
    };
    const uint64_t seed = result.seed;
    result.reference = ChoiceAccuracy{shareOf(reference.plain), shareOf(reference.normalized)};
    result.difference =
        ChoiceAccuracy{bootstrapMean(lead(subject.plain, reference.plain), seed),
                       bootstrapMean(lead(subject.normalized, reference.normalized), seed)};
    std::vector<double> same;
    std::transform(subject.choice.begin(), subject.choice.end(), reference.choice.begin(),
                   std::back_inserter(same), [](size_t a, size_t b) { return a == b ? 1.0 : 0.0; });
    result.sameAnswers = bootstrapMean(same, seed).mean;
}

/// Passes of the questions through one model.
class ChoicePass {
public:
    ChoicePass(const ChoiceRequest& request, const TransformerWeights& model, std::string name)
        : request_(request), model_(model), name_(std::move(name)),
          sequences_(
              choiceSequences(request.questions, *request.tokenizer, model.config().maxPositions)),
          groups_(choiceBatches(sequences_, model.config(), request.hiddenBytes)) {}

    void plan(WorkMeter& meter) const {
        for (const std::vector<ChoiceBatch>& group : groups_) {
            meter.plan(model_.config(), passedIn(group), scoredIn(group));
        }
    }
    ChoiceLikelihoods run(WorkMeter& meter) const {
        ResumableScores scores(request_.work, nameOfWork(), meter);
        for (const std::vector<ChoiceBatch>& group : groups_) {
            if (scores.passOver(scoredIn(group))) {
                meter.skip(model_.config(), passedIn(group), scoredIn(group));
            } else {
                scoreGroup(model_, group, name_, scores);
            }
        }
        return likelihoodsOf(sequences_, request_.questions, groups_, scores.scores().loss);
    }
    int64_t cut() const {
        return std::count_if(sequences_.begin(), sequences_.end(),
                             [](const ChoiceSequence& sequence) { return sequence.isCut; });
    }

private:
    /// What the scores depend on besides the models.
    std::string nameOfWork() const {
        Sha256 hash;
        for (const ChoiceSequence& sequence : sequences_) {
            const std::vector<uint64_t> sizes = {sequence.begin, sequence.tokens.size()};
            hash.update(std::as_bytes(std::span(sizes)));
            hash.update(std::as_bytes(std::span(sequence.tokens)));
        }
        return "choices/1 " + name_ + ' ' + hash.hex() + ' ' + std::to_string(request_.hiddenBytes);
    }

    const ChoiceRequest& request_;
    const TransformerWeights& model_;
    std::string name_;
    std::vector<ChoiceSequence> sequences_;
    Groups groups_;
};

void put(EvaluationRecord& record, const std::string& name, const MeanInterval& interval) {
    record.numbers[name] = interval.mean;
    addInterval(record, name, interval, kOneQuestion);
}

} // namespace

ChoiceEvaluation evaluateChoices(const ChoiceRequest& request, Progress& progress,
                                 const std::stop_token& stop) {
    const auto start = std::chrono::steady_clock::now();
    if (request.reference != nullptr) {
        requireSameVocabulary(request.subject->config().vocabSize,
                              request.reference->config().vocabSize);
    }
    progress.stage("tokenize");
    const ChoicePass subject(request, *request.subject, "evaluated");
    std::optional<ChoicePass> reference;
    if (request.reference != nullptr) {
        reference.emplace(request, *request.reference, "reference");
    }
    progress.stage("evaluate");
    WorkMeter meter(progress, stop);
    subject.plan(meter);
    if (reference) {
        reference->plan(meter);
    }

    ChoiceEvaluation result;
    result.seed = request.seed;
    result.questions = static_cast<int64_t>(request.questions.size());
    result.cut = subject.cut();
    result.likelihoods = subject.run(meter);
    const Answers answers = answersOf(result.likelihoods, request.questions);
    result.subject = {shareOf(answers.plain), shareOf(answers.normalized)};
    if (reference) {
        compare(answers, answersOf(reference->run(meter), request.questions), result);
    }
    result.seconds = secondsSince(start);
    return result;
}

EvaluationRecord toRecord(const std::string& name, const ChoiceEvaluation& evaluation) {
    EvaluationRecord record;
    record.name = name;
    record.facts = {{"protocol", "choices/1"}};
    record.numbers = {{"questions", static_cast<double>(evaluation.questions)},
                      {"cut", static_cast<double>(evaluation.cut)},
                      {"seed", static_cast<double>(evaluation.seed)},
                      {"seconds", evaluation.seconds}};
    put(record, "accuracy", evaluation.subject.plain);
    put(record, "accuracy_normalized", evaluation.subject.normalized);
    if (evaluation.reference) {
        put(record, "reference_accuracy", evaluation.reference->plain);
        put(record, "reference_accuracy_normalized", evaluation.reference->normalized);
        put(record, "accuracy_difference", evaluation.difference->plain);
        put(record, "accuracy_normalized_difference", evaluation.difference->normalized);
        record.numbers["same_answers"] = *evaluation.sameAnswers;
    }
    return record;
}

} // namespace caldera
