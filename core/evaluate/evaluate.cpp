#include "core/evaluate/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/evaluate/token_scores.h"
#include "core/evaluate/windows.h"

namespace caldera {

namespace {

/// Bytes of one slice of logits.
constexpr int64_t kLogitBytes = int64_t{64} << 20;

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
    if (request.reference == nullptr) {
        return;
    }
    const int vocabulary = request.reference->config().vocabSize;
    if (vocabulary != config.vocabSize) {
        throw Error("evaluate.vocabulary",
                    "The vocabularies differ: the evaluated model has " +
                        std::to_string(config.vocabSize) + " tokens, the reference " +
                        std::to_string(vocabulary) +
                        ". Give the model that the artifact was made from as the reference.",
                    {{"subject", std::to_string(config.vocabSize)},
                     {"reference", std::to_string(vocabulary)}});
    }
}

std::span<const double> last(const std::vector<double>& values, int64_t count) {
    return std::span(values).last(static_cast<size_t>(count));
}

/// `model` is what the sentence calls it.
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

/// Whether the states of both models stand for the same, block by block.
bool canCompareStates(const EvaluateRequest& request) {
    if (request.reference == nullptr) {
        return false;
    }
    const ModelConfig& subject = request.subject->config();
    const ModelConfig& reference = request.reference->config();
    return subject.layerCount == reference.layerCount && subject.hiddenSize == reference.hiddenSize;
}

/// Work of the head beside that of one block, at least one.
int64_t headCost(const ModelConfig& config) {
    const int64_t head = int64_t{config.vocabSize} * config.hiddenSize;
    int64_t block = 0;
    for (const Module module : kModules) {
        block += config.shapeOf(module).size();
    }
    return std::max<int64_t>(1, head / std::max<int64_t>(1, block));
}

/// Counts tokens through blocks and head, so that the remaining time is steady.
class WorkMeter {
public:
    WorkMeter(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
              Progress& progress, const std::stop_token& stop)
        : progress_(progress), stop_(stop), headCost_(headCost(request.subject->config())) {
        for (const TransformerWeights* model : {request.subject.get(), request.reference.get()}) {
            if (model == nullptr) {
                continue;
            }
            ++models_;
            for (const WindowGroup& group : groups) {
                const int64_t passed = group.tokens.size(0) * (group.tokens.size(1) - 1);
                total_ += passed * model->config().layerCount + group.predicted * headCost_;
            }
        }
    }

    void check() const { checkCancelled(stop_); }
    void throughBlock(int64_t tokens) { add(tokens); }
    void throughHeads(int64_t tokens) { add(tokens * headCost_ * models_); }

private:
    void add(int64_t work) {
        done_ += work;
        progress_.advance(done_, total_);
    }

    Progress& progress_;
    const std::stop_token& stop_;
    int64_t headCost_;
    int64_t models_ = 0;
    int64_t done_ = 0;
    int64_t total_ = 0;
};

/// One model's way through the blocks.
struct Stream {
    const TransformerWeights* model = nullptr;
    torch::Tensor hidden; ///< [n, t, hidden]

    void passBlock(int layer, WorkMeter& meter) {
        meter.check();
        applyBlock(model->config(), model->block(layer), hidden,
                   [&](InputGroup group, const torch::Tensor& x) {
                       meter.check();
                       if (group == InputGroup::Down) {
                           meter.throughBlock(x.size(0));
                       }
                   });
    }
};

/// How far hidden states are from the reference's after each block.
class HiddenErrors {
public:
    /// Adds the first `count` tokens of both. A token counts by its relative distance, so that the
    /// few with huge states do not hide all others.
    void add(int layer, const torch::Tensor& subject, const torch::Tensor& reference,
             int64_t count) {
        const auto states = [count](const torch::Tensor& hidden) {
            return hidden.reshape({-1, hidden.size(-1)}).narrow(0, 0, count); // [tokens, hidden]
        };
        const torch::Tensor there = states(reference);
        const torch::Tensor distance = (states(subject).to(there.device()) - there).norm(2, 1);
        const torch::Tensor relative = distance / there.norm(2, 1).clamp_min(1e-30F);
        sums_.resize(std::max(sums_.size(), static_cast<size_t>(layer) + 1));
        sums_[static_cast<size_t>(layer)] += relative.sum(at::kDouble).item<double>();
    }

    std::vector<double> means(int64_t tokens) && {
        for (double& sum : sums_) {
            sum /= static_cast<double>(tokens);
        }
        return std::move(sums_);
    }

private:
    std::vector<double> sums_;
};

/// Takes the models through their blocks side by side.
std::vector<Stream> streamBlocks(const EvaluateRequest& request, const WindowGroup& group,
                                 WorkMeter& meter, HiddenErrors& errors) {
    // The last token of a window predicts nothing, so it need not pass.
    const torch::Tensor tokens = group.tokens.narrow(1, 0, group.tokens.size(1) - 1).contiguous();
    std::vector<Stream> streams;
    int layers = 0;
    for (const TransformerWeights* model : {request.subject.get(), request.reference.get()}) {
        if (model != nullptr) {
            streams.push_back({model, model->embed(tokens)});
            layers = std::max(layers, model->config().layerCount);
        }
    }
    for (int layer = 0; layer < layers; ++layer) {
        for (Stream& stream : streams) {
            if (layer < stream.model->config().layerCount) {
                stream.passBlock(layer, meter);
            }
        }
        if (canCompareStates(request)) {
            errors.add(layer, streams[0].hidden, streams[1].hidden, group.predicted);
        }
    }
    return streams;
}

/// One model's way from hidden states to logits.
struct Head {
    const TransformerWeights* model = nullptr;
    torch::Tensor hidden; ///< [tokens, hidden]
    torch::Tensor norm, table;

    Head(const TransformerWeights& weights, const torch::Tensor& states)
        : model(&weights), hidden(states.reshape({-1, states.size(-1)})), norm(weights.finalNorm()),
          table(weights.head()) {}

    torch::Tensor logits(int64_t first, int64_t count) const {
        return logitsOf(model->config(), norm, table, hidden.narrow(0, first, count));
    }
};

void evaluateGroup(const EvaluateRequest& request, const WindowGroup& group, WorkMeter& meter,
                   TokenScores& scores, HiddenErrors& errors) {
    std::vector<Head> heads;
    for (const Stream& stream : streamBlocks(request, group, meter, errors)) {
        heads.emplace_back(*stream.model, stream.hidden);
    }
    const int64_t inputs = group.tokens.size(1) - 1;
    const torch::Tensor targets = group.tokens.narrow(1, 1, inputs).reshape({-1});
    const int64_t vocabulary = request.subject->config().vocabSize;
    const int64_t slice =
        std::max<int64_t>(1, kLogitBytes / (vocabulary * static_cast<int64_t>(sizeof(float))));
    for (int64_t first = 0; first < group.predicted; first += slice) {
        meter.check();
        const int64_t count = std::min(slice, group.predicted - first);
        const torch::Device device = heads[0].table.device();
        torch::Tensor reference;
        if (heads.size() > 1) {
            reference = heads[1].logits(first, count).to(device);
        }
        scoreTokens(heads[0].logits(first, count), reference,
                    targets.narrow(0, first, count).to(device), scores);
        requireFinite(last(scores.loss, count), "evaluated");
        if (heads.size() > 1) {
            requireFinite(last(scores.referenceLoss, count), "reference");
        }
        meter.throughHeads(count);
    }
}

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Standard error of the mean.
double standardError(std::span<const double> values) {
    if (values.size() < 2) {
        return 0;
    }
    const double center = mean(values);
    double squares = 0;
    for (const double value : values) {
        squares += (value - center) * (value - center);
    }
    const auto count = static_cast<double>(values.size());
    return std::sqrt(squares / (count - 1) / count);
}

Evaluation summarize(TokenScores scores) {
    Evaluation result;
    result.tokens = static_cast<int64_t>(scores.loss.size());
    result.perplexity = std::exp(mean(scores.loss));
    result.perplexityError = result.perplexity * standardError(scores.loss);
    result.hasReference = !scores.divergence.empty();
    if (result.hasReference) {
        std::vector<double>& divergence = scores.divergence;
        result.referencePerplexity = std::exp(mean(scores.referenceLoss));
        result.klMean = mean(divergence);
        std::sort(divergence.begin(), divergence.end());
        result.klMedian = percentile(divergence, 0.5);
        result.klP99 = percentile(divergence, 0.99);
        result.klP999 = percentile(divergence, 0.999);
        result.klMax = divergence.back();
        result.top1Agreement =
            static_cast<double>(scores.agreements) / static_cast<double>(result.tokens);
    }
    return result;
}

} // namespace

double percentile(std::span<const double> ascending, double fraction) {
    const double place = fraction * static_cast<double>(ascending.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, ascending.size() - 1);
    const double share = place - static_cast<double>(below);
    return ascending[below] + share * (ascending[above] - ascending[below]);
}

Evaluation evaluate(const EvaluateRequest& request, Progress& progress,
                    const std::stop_token& stop) {
    const auto start = std::chrono::steady_clock::now();
    checkRequest(request);
    progress.stage("tokenize");
    const std::vector<WindowGroup> groups = evaluationWindows(request);
    checkCancelled(stop);

    progress.stage("evaluate");
    WorkMeter meter(request, groups, progress, stop);
    TokenScores scores;
    HiddenErrors errors;
    for (const WindowGroup& group : groups) {
        evaluateGroup(request, group, meter, scores, errors);
    }
    Evaluation result = summarize(std::move(scores));
    result.hiddenError = std::move(errors).means(result.tokens);
    result.contextLength = request.contextLength;
    result.seconds = secondsSince(start);
    return result;
}

EvaluationRecord toRecord(const std::string& name, const Evaluation& evaluation) {
    EvaluationRecord record;
    record.name = name;
    record.numbers = {{"perplexity", evaluation.perplexity},
                      {"perplexity_error", evaluation.perplexityError},
                      {"tokens", static_cast<double>(evaluation.tokens)},
                      {"context", evaluation.contextLength},
                      {"seconds", evaluation.seconds}};
    if (evaluation.hasReference) {
        record.numbers.insert({{"reference_perplexity", evaluation.referencePerplexity},
                               {"kl_mean", evaluation.klMean},
                               {"kl_median", evaluation.klMedian},
                               {"kl_p99", evaluation.klP99},
                               {"kl_p999", evaluation.klP999},
                               {"kl_max", evaluation.klMax},
                               {"top1_agreement", evaluation.top1Agreement}});
    }
    if (!evaluation.hiddenError.empty()) {
        record.layers["hidden_error"] = evaluation.hiddenError;
    }
    record.facts = {{"protocol", "windows/1"}};
    return record;
}

} // namespace caldera
