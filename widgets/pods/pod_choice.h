// The pod of one job, in the launch dialog: what will be rented, what it may cost, what it will.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <QWidget>

#include "core/preflight/speed_log.h"
#include "widgets/pods/pod_settings.h"
#include "widgets/remote/pod_jobs.h"

class QDoubleSpinBox;
class QFormLayout;

namespace caldera::studio {

class ElidedLabel;
class ToneLabel;

/// How long the work takes on GPUs.
struct PodTimes {
    double documented = -1; ///< seconds on an H100, by the documented rates; negative: unknown
    std::map<std::string, SpeedRatio> measured; ///< to such seconds, by the GPU's name

    /// On this GPU; negative where it is neither measured nor at least an H100.
    TimeEstimate on(const QString& gpu) const;
};

class PodChoice : public QWidget {
    Q_OBJECT
public:
    explicit PodChoice(const PodWork& work, QWidget* parent = nullptr);

    void setTimes(const PodTimes& times);
    /// Other work: what it takes on an H100.
    void setDocumented(double seconds);
    double documented() const { return times_.documented; }

    /// What was decided about renting, without what is entered here.
    void setSettings(const PodSettings& settings);
    /// Bytes of the model that the pod has to fetch first; 0: it is on the volume.
    void setDownload(double bytes);
    /// What can be rented, as the provider told.
    void setMarket(const QList<PodOffer>& offers, const QList<PodVolume>& volumes);
    /// Why nothing can be rented at the moment; nothing: it can.
    void showProblem(const QString& sentence);

    /// What the person decided; nothing while it cannot be rented.
    std::optional<PodOrder> order() const;
    /// The settings with the limits that were entered here.
    PodSettings settings() const;

Q_SIGNALS:
    void changed();
    /// The person wants to change GPU, volume, worker or key.
    void settingsRequested();

private:
    void refresh();
    /// What stands in the way; empty: nothing.
    QString complaint() const;
    /// How long it takes and what it costs.
    QString estimate() const;
    /// With a volume chosen.
    PodRequest request() const;
    /// What is rented, the first that is free when it comes to it.
    QStringList gpuTexts() const;
    const PodVolume* volume() const;
    /// The ticked kinds that the ceiling and the stock allow, cheapest first.
    QList<PodOffer> usable() const;
    /// The work with the time that it takes there. With a volume chosen, as the next ones.
    PodPriced pricedOn(const PodOffer& offer) const;
    PodQuote quoteOn(const PodOffer& offer) const;
    /// Of the usable ones that on which the job costs most: the cap is held against it, here and
    /// when the job is started. There must be one.
    PodOffer costliest() const;
    QString timeSource() const;

    PodWork work_;
    PodTimes times_;
    PodSettings settings_;
    QList<PodOffer> offers_;
    QList<PodVolume> volumes_;
    bool hasMarket_ = false;
    QString problem_;
    ElidedLabel* gpu_;
    ElidedLabel* volumeText_;
    QDoubleSpinBox* ceiling_;
    QDoubleSpinBox* cap_;
    ToneLabel* estimate_;
};

} // namespace caldera::studio
