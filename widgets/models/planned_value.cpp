#include "widgets/models/planned_value.h"

#include <QCoreApplication>
#include <QLocale>

#include "core/base/find_value.h"
#include "widgets/models/session.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct PlannedValues {
    Q_DECLARE_TR_FUNCTIONS(PlannedValues)
};

QString kindOf(ErrorOrigin origin) {
    switch (origin) {
    case ErrorOrigin::Measured:
        return PlannedValues::tr("measured");
    case ErrorOrigin::Interpolated:
        return PlannedValues::tr("interpolated");
    case ErrorOrigin::Extrapolated:
        break;
    }
    return PlannedValues::tr("extrapolated");
}

/// A cell that stays at 16 bits has no rank.
MeasuredSettings asMeasured(const CellSettings& settings) {
    return settings.skip ? MeasuredSettings{settings.codec, 16, 0} : measuredSettings(settings);
}

} // namespace

MetricValues::MetricValues(const Session& session, const QString& metricId)
    : session_(session), metricId_(metricId), layer_(session.metric(metricId)),
      reported_(session.measuredMetric(metricId)) {}

std::optional<PlannedValue> MetricValues::planned(Cell cell, const CellSettings& settings) {
    if (metricId_ == u"proxy") {
        if (auto error = errorOf(cell, settings)) {
            return error;
        }
    }
    return measured(cell, settings);
}

/// The error of the settings; another codec family is judged by the one that was measured.
std::optional<PlannedValue> MetricValues::errorOf(Cell cell, const CellSettings& settings) const {
    if (settings.skip) {
        return PlannedValue{0, PlannedValues::tr("exact: it stays at 16 bits"),
                            ValueStanding::Measured};
    }
    const MeasuredErrors* errors = session_.measuredErrors(cell);
    if (errors == nullptr) {
        return std::nullopt;
    }
    const OptionError error = errors->table.at(settings.bits, settings.rank);
    if (errors->codec != settings.codec) {
        return PlannedValue{error.relativeError, PlannedValues::tr("estimated from another codec"),
                            ValueStanding::WorkedOut};
    }
    return PlannedValue{error.relativeError, kindOf(error.origin),
                        error.origin == ErrorOrigin::Measured ? ValueStanding::Measured
                                                              : ValueStanding::WorkedOut};
}

/// Settings that the metric's value of the cell was measured at; nullopt when there are none, as
/// for what is seen in the original alone or in a comparison.
std::optional<MeasuredSettings> MetricValues::measuredAt(Cell cell) const {
    if (metricId_ == u"error") {
        const CellReport* report = session_.cellReport(cell);
        return report == nullptr ? std::nullopt : std::optional(asMeasured(report->settings));
    }
    return reported_ == nullptr ? std::nullopt : findValue(reported_->settings, cell);
}

std::optional<PlannedValue> MetricValues::measured(Cell cell, const CellSettings& settings) {
    if (layer_ == nullptr) {
        return std::nullopt;
    }
    const auto found = layer_->values.find(cell);
    if (found == layer_->values.end()) {
        return std::nullopt;
    }
    const std::optional<MeasuredSettings> at = measuredAt(cell);
    if (!at || *at == asMeasured(settings)) {
        return PlannedValue{found->second, layer_->kind, ValueStanding::Measured};
    }
    return PlannedValue{found->second, elsewhere(*at, at->codec != settings.codec),
                        ValueStanding::Elsewhere};
}

/// "measured at 2/16". Most cells were measured at the same settings, so the text is kept.
const QString& MetricValues::elsewhere(const MeasuredSettings& at, bool isOtherCodec) {
    if (lastText_.isEmpty() || at != lastPlace_ || isOtherCodec != lastIsOtherCodec_) {
        const QString there = PlannedValues::tr("%1 at %2/%3")
                                  .arg(layer_->kind, QLocale::c().toString(at.bits, 'g', 3),
                                       QString::number(at.rank));
        lastText_ =
            isOtherCodec
                ? PlannedValues::tr("%1 with %2").arg(there, QString::fromStdString(at.codec))
                : there;
        lastPlace_ = at;
        lastIsOtherCodec_ = isOtherCodec;
    }
    return lastText_;
}

} // namespace caldera::studio
