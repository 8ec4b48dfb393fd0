#include "core/blame/blame.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/evaluate/model_pass.h"
#include "core/fidelity/layer_span.h"
#include "core/report/finished_parts.h"
#include "core/report/kept_reports.h"

namespace caldera {

namespace {

torch::Tensor tensorOf(const std::vector<Token>& tokens, int64_t count) {
    const std::vector<int64_t> ids(tokens.begin(), tokens.begin() + count);
    return at::tensor(ids, at::kLong).unsqueeze(0); // [1, t]
}

/// hidden [tokens, hidden], targets [tokens] -> log-probabilities [tokens], f64.
torch::Tensor logProbabilities(const Head& head, const torch::Tensor& hidden,
                               const torch::Tensor& targets) {
    return at::log_softmax(head.logits(hidden).to(at::kDouble), 1)
        .gather(1, targets.to(head.device()).unsqueeze(1))
        .squeeze(1)
        .to(at::kCPU);
}

double requireFinite(double logProbability) {
    if (!std::isfinite(logProbability)) {
        throw Error("blame.not-finite",
                    "A model gives the token no finite probability, so that nothing can be "
                    "compared. Its file is damaged, or holds NaN or infinity.");
    }
    return logProbability;
}

/// Counts sequences through blocks.
class PassMeter {
public:
    PassMeter(int64_t total, Progress& progress, const std::stop_token& stop)
        : total_(total), progress_(progress), stop_(stop) {}
    void pass(int64_t sequences = 1) {
        done_ += sequences;
        progress_.advance(std::min(done_, total_), total_);
        checkCancelled(stop_);
    }

private:
    int64_t total_;
    int64_t done_ = 0;
    Progress& progress_;
    std::stop_token stop_;
};

int64_t numberOf(const BlameRequest& request, int64_t place) {
    return place - request.origin + 1;
}

class BlameRun {
public:
    BlameRun(const BlameRequest& request, Progress& progress, const std::stop_token& stop)
        : request_(request), progress_(progress), stop_(stop),
          layers_(request.subject->config().layerCount) {}

    Blame run() {
        choosePlace();
        inputs_ = tensorOf(request_.tokens, blame_.place); // [1, t]
        const std::vector<LayerSpan> spans = spansOf();
        progress_.stage("swap cells");
        PassMeter meter(workOf(spans), progress_, stop_);
        const FinishedParts finished(request_.work, keyOfWork());
        for (const LayerSpan span : spans) {
            std::optional<Report> part = finished.find(span.name());
            const bool reused = part.has_value();
            if (!reused) {
                part = measure(span, meter);
                finished.keep(span.name(), *part);
            } else {
                meter.pass(workOf({span}));
            }
            take(*part, reused);
        }
        swapTables();
        return std::move(blame_);
    }

private:
    const ModelConfig& config() const { return request_.subject->config(); }

    /// [tokens, hidden] after the last block.
    torch::Tensor statesOf(const TransformerWeights& weights, const torch::Tensor& tokens,
                           PassMeter& meter) const {
        torch::Tensor hidden = weights.embed(tokens);
        for (int layer = 0; layer < layers_; ++layer) {
            applyBlock(config(), weights.block(layer), hidden);
            meter.pass();
        }
        return hidden.squeeze(0);
    }

    /// Log-probabilities of every token but the first, f64.
    torch::Tensor scores(const TransformerWeights& weights, PassMeter& meter) const {
        const auto predicted = static_cast<int64_t>(request_.tokens.size()) - 1;
        const torch::Tensor targets =
            tensorOf(request_.tokens, predicted + 1).squeeze(0).narrow(0, 1, predicted);
        const torch::Tensor hidden = statesOf(weights, tensorOf(request_.tokens, predicted), meter);
        const Head head(weights);
        std::vector<torch::Tensor> parts;
        forLogitSlices(config(), predicted, [&](int64_t first, int64_t count) {
            parts.push_back(logProbabilities(head, hidden.narrow(0, first, count),
                                             targets.narrow(0, first, count)));
        });
        return at::cat(parts);
    }

    void choosePlace() {
        progress_.stage("both models");
        PassMeter meter(int64_t{2} * layers_, progress_, stop_);
        const torch::Tensor original = scores(*request_.original, meter);
        const torch::Tensor subject = scores(*request_.subject, meter);
        const int64_t first = request_.firstPlace - 1;
        const torch::Tensor lost = original - subject;
        const int64_t at =
            request_.place
                ? *request_.place - 1
                : first + lost.narrow(0, first, lost.size(0) - first).argmax().item<int64_t>();
        blame_.place = at + 1;
        blame_.number = numberOf(request_, blame_.place);
        blame_.candidates = request_.place ? 0 : lost.size(0) - first;
        blame_.token = request_.tokens[static_cast<size_t>(at) + 1];
        blame_.originalLog = requireFinite(original[at].item<double>());
        blame_.subjectLog = requireFinite(subject[at].item<double>());
    }

    /// As many layers together as the states of their cells may take.
    std::vector<LayerSpan> spansOf() const {
        const int64_t states =
            inputs_.size(1) * config().hiddenSize * static_cast<int64_t>(sizeof(float));
        const int64_t cells = std::max<int64_t>(1, request_.variantBytes / states);
        const int together = static_cast<int>(std::clamp<int64_t>(
            cells / static_cast<int64_t>(kModules.size()), 1, std::max(1, layers_)));
        std::vector<LayerSpan> spans;
        for (int begin = 0; begin < layers_; begin += together) {
            spans.push_back({begin, std::min(layers_, begin + together)});
        }
        return spans;
    }

    /// Sequences through blocks.
    int64_t workOf(const std::vector<LayerSpan>& spans) const {
        int64_t work = 0;
        for (const LayerSpan& span : spans) {
            work += span.end; // the compressed model's own states
            for (int layer = span.begin; layer < span.end; ++layer) {
                work += static_cast<int64_t>(kModules.size()) * (layers_ - layer);
            }
        }
        return work;
    }

    std::string keyOfWork() const {
        std::string text = request_.key + "\nblame/1 " + std::to_string(blame_.place);
        for (const Token token : request_.tokens) {
            text += ' ' + std::to_string(token);
        }
        return sha256Hex(text);
    }

    Report measure(LayerSpan span, PassMeter& meter) const {
        torch::Tensor base = request_.subject->embed(inputs_);
        std::vector<std::pair<Cell, torch::Tensor>> variants;
        for (int layer = 0; layer < layers_; ++layer) {
            const BlockWeights block = request_.subject->block(layer);
            for (auto& [cell, hidden] : variants) {
                applyBlock(config(), block, hidden);
                meter.pass();
            }
            if (layer >= span.end) {
                continue;
            }
            if (layer >= span.begin) {
                branch(layer, block, base, variants, meter);
            }
            applyBlock(config(), block, base);
            meter.pass();
        }
        return reportOf(variants);
    }

    /// One copy of the states for each module of the layer, with its original weights.
    void branch(int layer, const BlockWeights& block, const torch::Tensor& base,
                std::vector<std::pair<Cell, torch::Tensor>>& variants, PassMeter& meter) const {
        const BlockWeights original = request_.original->block(layer);
        for (const Module module : kModules) {
            const auto at = static_cast<size_t>(module);
            BlockWeights swapped = block;
            swapped.weight.at(at) = original.weight.at(at).to(block.weight.at(at).device());
            variants.emplace_back(Cell{layer, module}, blockForward(config(), swapped, base));
            meter.pass();
        }
    }

    /// The token's log-probability after the last block's states [1, t, hidden].
    double logOf(const Head& head, const torch::Tensor& hidden) const {
        const torch::Tensor last = hidden.squeeze(0).narrow(0, hidden.size(1) - 1, 1);
        const torch::Tensor target = at::full({1}, int64_t{blame_.token}, at::kLong);
        return requireFinite(logProbabilities(head, last, target).item<double>());
    }

    Report reportOf(const std::vector<std::pair<Cell, torch::Tensor>>& variants) const {
        const Head head(*request_.subject);
        Report part;
        part.layerCount = layers_;
        FidelityMetric metric{kBlameMetric, "", {}};
        for (const auto& [cell, hidden] : variants) {
            metric.values[cell] = logOf(head, hidden) - blame_.subjectLog;
        }
        part.fidelity = {metric};
        return part;
    }

    void take(const Report& part, bool reused) {
        for (const auto& [cell, gain] : part.fidelity.front().values) {
            blame_.gains[cell] = gain;
            progress_.event("cell", {{"metric", kBlameMetric},
                                     {"layer", cell.layer},
                                     {"module", moduleName(cell.module)},
                                     {"value", gain},
                                     {"reused", reused}});
        }
    }

    void swapTables() {
        progress_.stage("swap tables");
        PassMeter meter(int64_t{2} * layers_, progress_, stop_);
        const auto through = [&](torch::Tensor hidden) {
            for (int layer = 0; layer < layers_; ++layer) {
                applyBlock(config(), request_.subject->block(layer), hidden);
                meter.pass();
            }
            return hidden;
        };
        const torch::Tensor embedded = through(request_.original->embed(inputs_));
        blame_.embeddingGain = logOf(Head(*request_.subject), embedded) - blame_.subjectLog;
        const torch::Tensor base = through(request_.subject->embed(inputs_));
        Head original(*request_.subject);
        original.table = request_.original->head().to(original.table.device());
        blame_.headGain = logOf(original, base) - blame_.subjectLog;
    }

    const BlameRequest& request_;
    Progress& progress_;
    std::stop_token stop_;
    int layers_;
    torch::Tensor inputs_; ///< what stands before the token [1, t]
    Blame blame_;
};

} // namespace

void checkBlame(const BlameRequest& request) {
    const ModelConfig& subject = request.subject->config();
    const ModelConfig& original = request.original->config();
    if (subject.layerCount != original.layerCount || subject.hiddenSize != original.hiddenSize ||
        subject.vocabSize != original.vocabSize) {
        throw Error("blame.models",
                    "The two models differ in layers, width or vocabulary, so their cells cannot "
                    "stand for one another. Give the model that the artifact was made from.");
    }
    const auto count = static_cast<int64_t>(request.tokens.size());
    if (count < 2) {
        throw Error("blame.tokens", "The text has " + std::to_string(count) +
                                        " tokens; at least 2 are needed: one to be explained, and "
                                        "what comes before it.");
    }
    const int64_t place = request.place.value_or(request.firstPlace);
    if (place < 1 || place >= count) {
        throw Error("blame.place",
                    "Token " + std::to_string(numberOf(request, place)) +
                        " cannot be explained: the text has tokens 1 to " +
                        std::to_string(numberOf(request, count - 1)) +
                        (request.origin == 0 ? ", and the first has nothing before it." : "."));
    }
    if (subject.maxPositions > 0 && count - 1 > subject.maxPositions) {
        throw Error("blame.tokens",
                    "The text has " + std::to_string(count) + " tokens, and the model has " +
                        std::to_string(subject.maxPositions) + " positions. Give a shorter text.");
    }
}

Blame findBlame(const BlameRequest& request, Progress& progress, const std::stop_token& stop) {
    checkBlame(request);
    return BlameRun(request, progress, stop).run();
}

FidelityMetric toMetric(const Blame& blame, const std::string& text) {
    FidelityMetric metric{kBlameMetric,
                          "What the log-probability (nats) of token " +
                              std::to_string(blame.number) + ", \"" + text +
                              "\", gains when the cell's original weights are put back",
                          blame.gains};
    metric.numbers = {{"place", static_cast<double>(blame.place)},
                      {"number", static_cast<double>(blame.number)},
                      {"candidates", static_cast<double>(blame.candidates)},
                      {"token", static_cast<double>(blame.token)},
                      {"original_log_probability", blame.originalLog},
                      {"log_probability", blame.subjectLog},
                      {"embedding_gain", blame.embeddingGain},
                      {"head_gain", blame.headGain}};
    return metric;
}

} // namespace caldera
