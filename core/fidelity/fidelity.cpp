#include "core/fidelity/fidelity.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/calibration/calibration.h"
#include "core/compress/cell_key.h"
#include "core/compress/work_folder.h"
#include "core/fidelity/finite.h"
#include "core/fidelity/kl_metric.h"
#include "core/fidelity/layer_span.h"
#include "core/fidelity/layer_states.h"
#include "core/fidelity/proxy_metric.h"
#include "core/forward/transformer.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/report/find_metric.h"
#include "core/report/finished_parts.h"
#include "core/report/join_reports.h"

namespace caldera {

namespace {

using Part = LayerStates::Part;

/// Raised whenever the same request gives other numbers.
constexpr int kFidelityVersion = 3;

constexpr const char* kKlDescription =
    "KL divergence in nats from the original's predictions when one cell has the errors that "
    "compression by the plan leaves. Higher is more fragile.";

/// What a part of a measurement depends on, 64 hexadecimal digits.
std::string keyOf(const FidelityRequest& request, const CalibrationSettings& calibration,
                  const std::string& text, int layersTogether) {
    nlohmann::json facts = calibrationFacts(*request.model, calibration, text, request.device);
    facts["fidelity_version"] = kFidelityVersion;
    facts["layers_together"] = layersTogether;
    facts["plan"] = printPlan(request.plan);
    for (const Metric metric : request.metrics) {
        facts["metrics"].push_back(static_cast<int>(metric));
    }
    for (const OptionChoice& choice : request.options) {
        facts["options"].push_back({choice.bits, choice.rank});
    }
    facts["held_out"] = {sha256Hex(request.heldOut.text), request.heldOut.tokens,
                         request.heldOut.window};
    facts["sipit"] = {request.sipit.places, request.sipit.candidates,
                      static_cast<int>(request.sipit.space), request.sipit.seed};
    facts["lens"] = {request.lens.placesPerWindow, request.lens.negatives, request.lens.seed};
    return sha256Hex(facts.dump());
}

/// One run over the layers.
class Measurement {
public:
    Measurement(const FidelityRequest& request, Progress& progress, const std::stop_token& stop)
        : request_(request), config_(request.model->config), progress_(progress), stop_(stop),
          device_(deviceOf(request.device)), weights_(modelWeights(request.model, device_)),
          proxy_(request.plan, config_,
                 {wants(Metric::Proxy) ? request.options : std::vector<OptionChoice>(),
                  wants(Metric::Proxy), needsNoise()},
                 stop_),
          kl_(weights_, stop) {}

    Report run();

private:
    bool wants(Metric metric) const { return request_.metrics.contains(metric); }
    bool needsNoise() const { return wants(Metric::Kl) || wants(Metric::SipIt); }
    bool needsCalibration() const { return needsNoise() || wants(Metric::Proxy); }
    bool needsHeldOut() const { return needsNoise() || wants(Metric::Lens); }

    void prepare();
    void findKey(const CalibrationSettings& calibration, const std::string& text);
    std::vector<LayerSpan> spans() const;
    Report emptyPart() const;
    void measureSpan(LayerSpan span);
    void goTo(int layer);
    void passLayer(Report* part);
    LayerErrors passCalibration(int layer, const BlockWeights& weights, Report* part);
    void passHeldOut(const LayerView& view, Report* part);
    void finish(LayerSpan span, Report part, bool reused);
    void tellSettings();

    int64_t costOfLayer(int layer) const;
    int64_t costOfFinish(LayerSpan span) const;
    void didWork(int64_t work);

    const FidelityRequest& request_;
    const ModelConfig& config_;
    Progress& progress_;
    const std::stop_token& stop_;
    torch::Device device_;
    std::shared_ptr<const TransformerWeights> weights_;
    ProxyMetric proxy_;
    KlMetric kl_;
    std::optional<SipItMetric> sipit_;
    std::optional<LensMetric> lens_;
    LayerStates states_;
    int layersTogether_ = 1;
    std::optional<FinishedParts> finished_;
    std::optional<HiddenStore> store_;
    Report report_;
    int64_t calibrationTokens_ = 0;
    int64_t heldOutTokens_ = 0;
    int64_t done_ = 0, total_ = 0; ///< tokens through blocks
    bool hasStates_ = false;
};

void Measurement::findKey(const CalibrationSettings& calibration, const std::string& text) {
    const std::string key = keyOf(request_, calibration, text, layersTogether_);
    finished_.emplace(request_.work.empty() ? request_.work : cellsFolder(request_.work), key);
    if (!request_.work.empty()) {
        store_.emplace(hiddenFolder(request_.work), key);
    }
}

/// Texts become tokens; what depends on them is made.
void Measurement::prepare() {
    progress_.stage("prepare");
    const CalibrationSettings calibration = fitCalibration(request_.plan.calibration, config_);
    const std::string text = needsCalibration() ? calibrationText(calibration) : std::string();
    if (needsCalibration()) {
        const torch::Tensor tokens =
            calibrationTokens(*request_.model->tokenizer, text, calibration, progress_);
        calibrationTokens_ = tokens.numel();
        states_.add(Part::Calibration, tokens);
    }
    if (needsHeldOut()) {
        const torch::Tensor tokens =
            heldOutTokens(*request_.model->tokenizer, request_.heldOut, config_);
        heldOutTokens_ = tokens.numel();
        states_.add(Part::HeldOut, tokens);
        if (wants(Metric::Lens)) {
            lens_.emplace(*weights_, tokens, request_.lens, stop_);
        }
        if (wants(Metric::SipIt)) {
            sipit_.emplace(request_.model, weights_, tokens, request_.sipit, progress_, stop_);
            states_.add(Part::Candidates, sipit_->candidates());
            states_.add(Part::Cumulative, tokens);
        }
        if (wants(Metric::Kl) && device_.is_cuda()) {
            // Reading the layers behind costs more than passing a few variants through them.
            const int64_t bytes = heldOutTokens_ * config_.hiddenSize *
                                  static_cast<int64_t>(sizeof(float) * kModules.size());
            layersTogether_ = static_cast<int>(
                std::clamp<int64_t>(request_.variantBytes / bytes, 1, config_.layerCount));
        }
    }
    findKey(calibration, text);
}

std::vector<LayerSpan> Measurement::spans() const {
    std::vector<LayerSpan> spans;
    for (int begin = 0; begin < config_.layerCount; begin += layersTogether_) {
        spans.push_back({begin, std::min(begin + layersTogether_, config_.layerCount)});
    }
    return spans;
}

Report Measurement::emptyPart() const {
    Report part;
    part.layerCount = config_.layerCount;
    if (wants(Metric::Proxy)) {
        part.fidelity.push_back(ProxyMetric::emptyMetric());
    }
    if (wants(Metric::Kl)) {
        FidelityMetric& metric = part.fidelity.emplace_back();
        metric.name = "kl";
        metric.description = kKlDescription;
        metric.numbers = {{"tokens", static_cast<double>(heldOutTokens_)}};
    }
    if (sipit_) {
        part.fidelity.push_back(sipit_->emptyMetric(config_.layerCount));
    }
    if (lens_) {
        part.fidelity.push_back(lens_->emptyMetric(config_.layerCount));
    }
    return part;
}

int64_t Measurement::costOfLayer(int layer) const {
    constexpr int64_t kHessians = 3;
    constexpr int64_t kOptions = 2;
    const auto modules = static_cast<int64_t>(kModules.size());
    int64_t cost = calibrationTokens_ * (kHessians + (wants(Metric::Proxy) ? kOptions : 0));
    cost += heldOutTokens_;
    if (wants(Metric::Kl)) {
        cost += heldOutTokens_ * modules * (layer % layersTogether_ + 1);
    }
    if (sipit_) {
        cost += heldOutTokens_ * (modules + 2) + sipit_->candidates().numel();
    }
    return cost;
}

int64_t Measurement::costOfFinish(LayerSpan span) const {
    if (!wants(Metric::Kl)) {
        return 0;
    }
    const auto variants = static_cast<int64_t>(kModules.size()) * (span.end - span.begin);
    return variants * heldOutTokens_ * (config_.layerCount - span.end);
}

void Measurement::didWork(int64_t work) {
    done_ += work;
    progress_.advance(std::min(done_, total_), total_);
}

/// Hessians and errors, or just the states after the layer when a later one goes on from them.
LayerErrors Measurement::passCalibration(int layer, const BlockWeights& weights, Report* part) {
    torch::Tensor hidden = states_.states(Part::Calibration);
    if (part == nullptr && !sipit_) {
        propagateBlock(config_, weights, hidden, stop_);
        return {};
    }
    LayerErrors errors = proxy_.measureLayer(layer, weights, hidden);
    if (part == nullptr) {
        return errors;
    }
    for (const char* name : {"kl", "sipit"}) {
        if (FidelityMetric* metric = findMetric(*part, name)) {
            metric->errorLevels.insert(errors.atPlan.begin(), errors.atPlan.end());
        }
    }
    if (FidelityMetric* metric = findMetric(*part, "proxy")) {
        metric->values.insert(errors.atPlan.begin(), errors.atPlan.end());
        metric->options.merge(errors.options);
        part->cells.merge(errors.cells);
    }
    return errors;
}

void Measurement::passHeldOut(const LayerView& view, Report* part) {
    torch::Tensor output = states_.states(Part::HeldOut);
    applyBlock(config_, view.weights, output);
    requireFiniteStates(view.layer, output);
    if (part != nullptr && wants(Metric::Kl)) {
        kl_.passLayer(view);
    }
    if (sipit_) {
        sipit_->passLayer(view, output,
                          {states_.states(Part::Candidates), states_.states(Part::Cumulative)},
                          part != nullptr ? findMetric(*part, "sipit") : nullptr);
    }
    if (part != nullptr && lens_) {
        lens_->measureLayer(view.layer, output, *findMetric(*part, "lens"));
    }
}

/// Takes the states through their layer; with a part also measures it.
void Measurement::passLayer(Report* part) {
    checkCancelled(stop_);
    const int layer = states_.layer;
    const BlockWeights weights = weights_->block(layer);
    LayerErrors errors;
    if (needsCalibration()) {
        errors = passCalibration(layer, weights, part);
    }
    if (needsHeldOut()) {
        const torch::Tensor input = states_.states(Part::HeldOut).clone();
        if (part != nullptr && layer == 0) {
            if (wants(Metric::Kl)) {
                kl_.branchTables(input);
            }
            if (lens_) {
                lens_->measureEmbeddings(input, *findMetric(*part, "lens"));
            }
        }
        passHeldOut({layer, weights, errors.disturbed, input}, part);
    }
    ++states_.layer;
    didWork(part != nullptr ? costOfLayer(layer) : 0);
}

/// Brings the states to the input of the layer, from where they are or lie on the disk.
void Measurement::goTo(int layer) {
    if (!hasStates_) {
        const std::optional<HiddenStore::State> found = store_ ? store_->load(layer) : std::nullopt;
        if (!found || !states_.take(*found, device_.is_cuda())) {
            states_.embed(*weights_, device_.is_cuda());
        }
        hasStates_ = true;
    }
    while (states_.layer < layer) {
        passLayer(nullptr);
    }
}

void Measurement::finish(LayerSpan span, Report part, bool reused) {
    for (const FidelityMetric& metric : part.fidelity) {
        for (const auto& [cell, value] : metric.values) {
            progress_.event("cell", {{"metric", metric.name},
                                     {"layer", cell.layer},
                                     {"module", moduleName(cell.module)},
                                     {"value", value},
                                     {"reused", reused}});
        }
    }
    addPart(report_, part);
    if (!reused) {
        finished_->keep(span.name(), std::move(part));
    }
}

void Measurement::measureSpan(LayerSpan span) {
    goTo(span.begin);
    Report part = emptyPart();
    while (states_.layer < span.end) {
        passLayer(&part);
    }
    if (wants(Metric::Kl)) {
        kl_.finish(span.end - 1, states_.states(Part::HeldOut), *findMetric(part, "kl"),
                   [&](int64_t variants) { didWork(variants * heldOutTokens_); });
    }
    finish(span, std::move(part), false);
    if (store_ && span.end < config_.layerCount) {
        states_.save(*store_);
    }
}

/// Of every cell whose value hangs on the plan: other metrics may join the report that were
/// measured with another one.
void Measurement::tellSettings() {
    for (FidelityMetric& metric : report_.fidelity) {
        for (const auto& [cell, value] : metric.values) {
            if (metric.hangsOnSettings(cell)) {
                metric.settings[cell] = measuredSettings(request_.plan.settingsOf(cell));
            }
        }
    }
}

Report Measurement::run() {
    const at::NoGradGuard noGradients;
    prepare();
    progress_.stage("measure");
    report_ = emptyPart();
    std::vector<LayerSpan> open;
    for (const LayerSpan span : spans()) {
        int64_t cost = costOfFinish(span);
        for (int layer = span.begin; layer < span.end; ++layer) {
            cost += costOfLayer(layer);
        }
        total_ += cost;
        if (std::optional<Report> part = finished_->find(span.name())) {
            done_ += cost;
            finish(span, std::move(*part), true);
        } else {
            open.push_back(span);
        }
    }
    progress_.advance(done_, total_);
    for (const LayerSpan span : open) {
        measureSpan(span);
    }
    progress_.advance(total_, total_);
    tellSettings();
    report_.run = RunFacts{request_.model->name, request_.model->fingerprint, request_.command,
                           request_.device, numericsName()}
                      .attributes();
    return std::move(report_);
}

} // namespace

Report measureFidelity(const FidelityRequest& request, Progress& progress,
                       const std::stop_token& stop) {
    checkMeasured(request.plan, request.model->config);
    if (request.work.empty()) {
        return Measurement(request, progress, stop).run();
    }
    const HeldWorkFolder work(request.work, at::get_num_threads());
    return Measurement(request, progress, stop).run();
}

} // namespace caldera
