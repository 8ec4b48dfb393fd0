#include "widgets/models/session.h"

#include <exception>
#include <utility>

#include "core/base/find_value.h"
#include "core/base/machine.h"
#include "core/base/paths.h"
#include "core/report/find_metric.h"
#include "core/report/join_reports.h"
#include "core/report/report_subject.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// The later report with the other metrics of an earlier one of the same model.
std::shared_ptr<const Report> withEarlier(const std::shared_ptr<const Report>& later,
                                          const std::shared_ptr<const Report>& earlier) {
    if (!earlier || later->layerCount != earlier->layerCount || fingerprintOf(*later).empty() ||
        fingerprintOf(*later) != fingerprintOf(*earlier)) {
        return later;
    }
    auto whole = std::make_shared<Report>(*later);
    keepFrom(*earlier, *whole);
    return whole;
}

} // namespace

struct Session::Outcome {
    OpenResult result;
    std::optional<Failure> failure;
};

Session::Session(QObject* parent) : QObject(parent) {
    pool_.setMaxThreadCount(1);
    speed_.threads = usualThreads();
}

Session::~Session() {
    pool_.waitForDone();
}

void Session::open(const QString& path) {
    openingPath_ = path;
    ++generation_;
    read(path, [path] { return openAnything(path); });
}

void Session::openDemoModel() {
    openingPath_.clear();
    ++generation_;
    read({}, [] {
        return openAnything(QString::fromStdString((resourcesFolder() / "demo-model").string()));
    });
}

void Session::openReport(const QString& path) {
    read(path, [path] { return openReportFile(path); });
}

void Session::read(const QString& path, std::function<OpenResult()> work) {
    const int generation = generation_;
    ++pending_;
    setBusy(true);
    inBackground(
        [work = std::move(work)] {
            Outcome outcome;
            try {
                outcome.result = work();
            } catch (const std::exception& error) {
                outcome.failure = describeFailure(error);
            }
            return outcome;
        },
        [this, generation, path](const Outcome& outcome) {
            setBusy(--pending_ > 0);
            if (generation != generation_) {
                return; // something else was opened meanwhile
            }
            if (outcome.failure) {
                Q_EMIT failed(*outcome.failure, path);
            } else {
                show(outcome.result);
            }
        });
}

void Session::show(const OpenResult& result) {
    std::vector<Failure> unread = result.unread;
    if (result.facts) {
        facts_ = result.facts;
        report_ = result.report;
        takeFidelity(result.fidelity);
        blame_ = result.blame;
        evaluations_ = result.evaluations;
        live_.reset();
        compared_.reset();
        plan_.reset(facts_->plan, facts_->config);
        rebuildMetrics();
        Q_EMIT opened();
    } else {
        addReport(result, unread);
    }
    Q_EMIT metricsChanged();
    Q_EMIT reportChanged(); // by now every heatmap shows what was read
    if (!unread.empty()) {
        Q_EMIT reportsUnread(unread);
    }
}

/// What was found out about another model says nothing of the one that is open.
void Session::addReport(const OpenResult& result, std::vector<Failure>& unread) {
    const auto isOfOpen = [&](const auto& require) {
        try {
            if (facts_) {
                require(*facts_);
            }
            return true;
        } catch (const std::exception& error) {
            unread.push_back(describeFailure(error));
            return false;
        }
    };
    const QString& file = result.reportFile;
    if (result.report &&
        isOfOpen([&](const OpenFacts& open) { requireMadeBy(open, *result.report, file); })) {
        report_ = result.report;
    }
    if (result.fidelity && isOfOpen([&](const OpenFacts& open) {
            requireMeasuredOn(subjectOf(open), *result.fidelity, file.toStdString());
        })) {
        takeFidelity(withEarlier(result.fidelity, fidelity_));
    }
    if ((result.blame || !result.evaluations.empty()) &&
        isOfOpen([&](const OpenFacts& open) { requireOfResult(open, result.measured, file); })) {
        takeResults(result);
    }
    rebuildMetrics();
}

void Session::takeResults(const OpenResult& result) {
    blame_ = result.blame ? result.blame : blame_;
    for (const EvaluationRecord& record : result.evaluations) {
        std::erase_if(evaluations_, [&record](const EvaluationRecord& known) {
            return known.name == record.name;
        });
        evaluations_.push_back(record);
    }
}

QString Session::titleOf(const QString& metric) {
    return metric == u"proxy"   ? tr("Error of the settings")
           : metric == u"kl"    ? tr("KL divergence")
           : metric == u"sipit" ? tr("Noise ratio")
           : metric == u"lens"  ? tr("Lens")
           : metric == u"blame" ? tr("Blame")
                                : metric;
}

ColorScale::Kind Session::scaleOf(const QString& metric) {
    // Divergences and noise ratios run over decades, errors and shares do not.
    return metric == u"kl" || metric == u"sipit" ? ColorScale::Kind::Logarithmic
                                                 : ColorScale::Kind::Linear;
}

QString Session::unitOf(const QString& metric) {
    return metric == u"kl" || metric == u"blame" ? u"nats"_s : QString();
}

void Session::takeFidelity(std::shared_ptr<const Report> fidelity) {
    fidelity_ = std::move(fidelity);
    errors_.clear();
    const FidelityMetric* proxy = fidelity_ ? findMetric(*fidelity_, "proxy") : nullptr;
    if (proxy == nullptr) {
        return;
    }
    for (const auto& [cell, options] : proxy->options) {
        if (!options.empty()) {
            const MeasuredSettings at =
                findValue(proxy->settings, cell).value_or(MeasuredSettings());
            errors_.emplace(cell, MeasuredErrors{ErrorTable(options), at.codec});
        }
    }
}

const MeasuredErrors* Session::measuredErrors(Cell cell) const {
    const auto found = errors_.find(cell);
    return found == errors_.end() ? nullptr : &found->second;
}

void Session::rebuildMetrics() {
    metrics_.clear();
    if (live_) {
        metrics_.append(*live_);
    }
    for (const std::shared_ptr<const Report>& source : {fidelity_, report_, blame_}) {
        if (!source) {
            continue;
        }
        for (const FidelityMetric& found : source->fidelity) {
            const QString id = QString::fromStdString(found.name);
            if (metric(id) == nullptr) {
                metrics_.append(
                    {id, titleOf(id), tr("measured"), scaleOf(id), found.values, {}, unitOf(id)});
            }
        }
    }
    if (report_ && !report_->cells.empty()) {
        MetricLayer error{
            u"error"_s, tr("Relative error"), tr("measured"), scaleOf(u"error"_s), {}};
        for (const auto& [cell, measured] : report_->cells) {
            error.values[cell] = measured.relativeError;
        }
        metrics_.append(std::move(error));
    }
    if (compared_) {
        metrics_.append(*compared_);
    }
}

const MetricLayer* Session::metric(const QString& id) const {
    for (const MetricLayer& layer : metrics_) {
        if (layer.id == id) {
            return &layer;
        }
    }
    return nullptr;
}

const FidelityMetric* Session::measuredMetric(const QString& id) const {
    const std::string name = id.toStdString();
    for (const Report* source : {fidelity_.get(), report_.get(), blame_.get()}) {
        const FidelityMetric* found = source == nullptr ? nullptr : findMetric(*source, name);
        if (found != nullptr) {
            return found;
        }
    }
    return nullptr;
}

const CellReport* Session::cellReport(Cell cell) const {
    if (!report_) {
        return fidelityCell(cell);
    }
    const auto found = report_->cells.find(cell);
    return found == report_->cells.end() ? fidelityCell(cell) : &found->second;
}

const CellReport* Session::fidelityCell(Cell cell) const {
    if (!fidelity_) {
        return nullptr;
    }
    const auto found = fidelity_->cells.find(cell);
    return found == fidelity_->cells.end() ? nullptr : &found->second;
}

void Session::beginLive(const QString& title, const QString& metric) {
    live_ = MetricLayer{u"live"_s, title, tr("measured"), scaleOf(metric), {}, {}, unitOf(metric)};
    rebuildMetrics();
    Q_EMIT metricsChanged();
}

void Session::takeLiveCell(Cell cell, double relativeError,
                           const std::optional<CellSurprise>& surprise) {
    if (!live_ || !facts_ || cell.layer >= facts_->config.layerCount) {
        return;
    }
    const auto put = [&](MetricLayer& layer) {
        layer.values[cell] = relativeError;
        layer.surprises.erase(cell);
        if (surprise) {
            layer.surprises[cell] = *surprise;
        }
    };
    put(*live_);
    if (!metrics_.isEmpty() && metrics_.first().id == u"live") {
        put(metrics_.first());
    }
    Q_EMIT liveCell(cell, relativeError);
}

void Session::compare(std::optional<MetricLayer> layer) {
    if (!layer && !compared_) {
        return;
    }
    compared_ = std::move(layer);
    rebuildMetrics();
    Q_EMIT metricsChanged();
}

void Session::endLive() {
    if (live_) {
        live_.reset();
        rebuildMetrics();
        Q_EMIT metricsChanged();
    }
}

void Session::readSpeed() {
    inBackground(readProcessorSpeed, [this](const ProcessorSpeed& speed) {
        speed_ = speed;
        Q_EMIT speedChanged();
    });
}

void Session::setBusy(bool busy) {
    if (busy_ != busy) {
        busy_ = busy;
        Q_EMIT busyChanged(busy);
    }
}

} // namespace caldera::studio
