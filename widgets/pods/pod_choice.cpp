#include "widgets/pods/pod_choice.h"

#include <algorithm>
#include <utility>

#include <QFormLayout>
#include <QHBoxLayout>
#include <QPushButton>
#include <QVBoxLayout>

#include "core/base/error.h"
#include "widgets/pods/dollar_field.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kEstimateLines = 4;
}

TimeEstimate PodTimes::on(const QString& gpu) const {
    if (const auto found = measured.find(gpu.toStdString());
        found != measured.end() && documented >= 0)
        return {documented * found->second.ratio, found->second.runs};
    static const QStringList atLeastAsFast{u"H100"_s, u"H200"_s, u"B200"_s, u"B300"_s};
    const bool isKnown = std::any_of(atLeastAsFast.begin(), atLeastAsFast.end(),
                                     [&gpu](const QString& name) { return gpu.contains(name); });
    return isKnown ? TimeEstimate{documented, 0} : TimeEstimate();
}

PodChoice::PodChoice(const PodWork& work, QWidget* parent)
    : QWidget(parent), work_(work), gpu_(new ElidedLabel({}, this)),
      volumeText_(new ElidedLabel({}, this)), ceiling_(ceilingField(this)), cap_(capField(this)),
      estimate_(new ToneLabel({}, Token::Secondary, this)) {
    setObjectName(u"podChoice"_s);
    auto* change = new QPushButton(tr("Change…"), this);
    change->setToolTip(tr("Key, GPUs, volume and worker of rented pods"));
    connect(change, &QPushButton::clicked, this, &PodChoice::settingsRequested);
    for (QDoubleSpinBox* field : {ceiling_, cap_})
        connect(field, &QDoubleSpinBox::valueChanged, this, &PodChoice::refresh);
    estimate_->setWordWrap(true);
    estimate_->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    estimate_->setMinimumHeight(kEstimateLines * fontMetrics().lineSpacing()); // it stays in place
    estimate_->setObjectName(u"podEstimate"_s);
    auto* gpuLine = new QHBoxLayout;
    gpuLine->setSpacing(kSpaceSmall);
    gpuLine->addWidget(gpu_, 1);
    gpuLine->addWidget(change);
    auto* limits = new QHBoxLayout;
    limits->setSpacing(kSpaceSmall);
    limits->addWidget(ceiling_);
    limits->addWidget(cap_);
    limits->addStretch(1);
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceSmall);
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    form->addRow(tr("GPU"), gpuLine);
    form->addRow(tr("Volume"), volumeText_);
    form->addRow(tr("At most"), limits);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(form);
    layout->addWidget(estimate_);
    ceiling_->setValue(settings_.ceiling);
    cap_->setValue(settings_.cap);
}

void PodChoice::setSettings(const PodSettings& settings) {
    const PodSettings before = std::exchange(settings_, settings);
    // What was typed here stays, unless the person decided otherwise meanwhile.
    const auto take = [](QDoubleSpinBox* field, double kept, double now) {
        const QSignalBlocker quiet(field);
        if (now != kept)
            field->setValue(now);
    };
    take(ceiling_, before.ceiling, settings.ceiling);
    take(cap_, before.cap, settings.cap);
    refresh();
}

void PodChoice::setDocumented(double seconds) {
    times_.documented = seconds;
    refresh();
}

void PodChoice::setTimes(const PodTimes& times) {
    times_ = times;
    refresh();
}

void PodChoice::setDownload(double bytes) {
    work_.downloadBytes = bytes;
    refresh();
}

void PodChoice::setMarket(const QList<PodOffer>& offers, const QList<PodVolume>& volumes) {
    offers_ = offers;
    std::stable_sort(offers_.begin(), offers_.end(),
                     [](const PodOffer& a, const PodOffer& b) { return a.price < b.price; });
    volumes_ = volumes;
    hasMarket_ = true;
    problem_.clear();
    refresh();
}

void PodChoice::showProblem(const QString& sentence) {
    problem_ = sentence;
    refresh();
}

PodSettings PodChoice::settings() const {
    PodSettings now = settings_;
    now.ceiling = ceiling_->value();
    now.cap = cap_->value();
    return now;
}

const PodVolume* PodChoice::volume() const {
    const auto found =
        std::find_if(volumes_.begin(), volumes_.end(),
                     [this](const PodVolume& each) { return each.id == settings_.volumeId; });
    return found == volumes_.end() ? nullptr : &*found;
}

QList<PodOffer> PodChoice::usable() const {
    QList<PodOffer> found;
    for (const PodOffer& offer : offers_) {
        const bool isFree = volume() && stockIn(offer, volume()->dataCenter) != PodStock::None;
        if (settings_.gpus.contains(offer.gpu) && isFree && offer.price <= ceiling_->value())
            found.append(offer);
    }
    return found;
}

QStringList PodChoice::gpuTexts() const {
    QStringList texts;
    for (const PodOffer& offer : usable())
        texts.append(tr("%1, %2 GB, %3 an hour")
                         .arg(offer.name)
                         .arg(offer.memoryGb)
                         .arg(dollarText(offer.price)));
    return texts;
}

PodPriced PodChoice::pricedOn(const PodOffer& offer) const {
    PodPriced job{work_, offer.price};
    job.work.workSeconds = times_.on(offer.gpu).seconds;
    return job;
}

PodQuote PodChoice::quoteOn(const PodOffer& offer) const {
    const PodPriced job = pricedOn(offer);
    return quotePod(job.work, job.hourlyPrice, *volume());
}

PodOffer PodChoice::costliest() const {
    const QList<PodOffer> offers = usable();
    return *std::max_element(offers.begin(), offers.end(),
                             [this](const PodOffer& a, const PodOffer& b) {
                                 return quoteOn(a).dollars() < quoteOn(b).dollars();
                             });
}

PodRequest PodChoice::request() const {
    PodRequest request;
    request.image = settings_.image;
    for (const PodOffer& offer : usable())
        request.gpus.append(offer.gpu);
    request.ceiling = ceiling_->value();
    request.volume = *volume();
    request.volumePath = settings_.volumePath;
    return request;
}

QString PodChoice::complaint() const {
    if (!problem_.isEmpty())
        return problem_;
    if (!hasMarket_)
        return tr("Asking what can be rented…");
    if (settings_.bundle.isEmpty())
        return tr("Choose the worker bundle that pods work with (Change…).");
    if (!volume())
        return tr("Choose a network volume, so that what the job has done outlives its pod "
                  "(Change…).");
    if (settings_.gpus.isEmpty())
        return tr("Choose the GPUs that may be rented (Change…).");
    if (usable().isEmpty())
        return tr("None of the chosen GPUs is free in %1 for at most %2 an hour.")
            .arg(volume()->dataCenter, dollarText(ceiling_->value()));
    try {
        checkPodJob(request(), settings_.volumePath + "/job"_L1, pricedOn(costliest()),
                    cap_->value());
    } catch (const Error& error) {
        return QString::fromUtf8(error.what());
    }
    return {};
}

/// How the time of the work is known.
QString PodChoice::timeSource() const {
    const int runs = times_.on(usable().first().gpu).runs;
    return runs > 0 ? tr("as measured in %n earlier run(s) on this GPU", nullptr, runs)
                    : tr("by an H100's documented rates");
}

QString PodChoice::estimate() const {
    const PodQuote quoted = quoteOn(usable().first());
    const PodOffer dearest = costliest();
    const PodQuote most = quoteOn(dearest);
    const QString paid = spanText(qMax(0.0, cap_->value() - most.dollars()) / dearest.price * 3600);
    const QString start = spanText(quoted.provisioningSeconds + quoted.downloadSeconds);
    const QString volume = tr("The volume costs %1 a month, with or without a pod.")
                               .arg(dollarText(quoted.storageMonthly));
    const QString elsewhere = most.dollars() > quoted.dollars()
                                  ? tr(" %1 where only %2 is free; the cap is held against that.")
                                        .arg(dollarText(most.dollars()), dearest.name)
                                  : QString();
    if (quoted.known())
        return tr("About %1 and %2: %3 to start, %4 of work (%5), %6 to bring the result home.%7 "
                  "%8")
            .arg(spanText(quoted.seconds()), dollarText(quoted.dollars()), start,
                 spanText(quoted.workSeconds), timeSource(), spanText(quoted.fetchSeconds),
                 elsewhere, volume);
    const QString unknown =
        times_.documented < 0
            ? tr("how long the work takes is not known yet.")
            : tr("this GPU was not measured yet: an H100 would work for about %1.")
                  .arg(spanText(times_.documented));
    return tr("%1 pays for at least %2 of work there. Starting takes about %3; %4 %5")
        .arg(dollarText(cap_->value()), paid, start, unknown, volume);
}

std::optional<PodOrder> PodChoice::order() const {
    if (!complaint().isEmpty())
        return std::nullopt;
    PodOrder wish;
    wish.request = request();
    wish.cap = cap_->value();
    wish.idleMinutes = settings_.idleMinutes;
    const PodPriced job = pricedOn(costliest());
    wish.work = job.work;
    wish.hourlyPrice = job.hourlyPrice;
    return wish;
}

void PodChoice::refresh() {
    const QStringList gpus = gpuTexts();
    const QString unknown = hasMarket_ ? tr("none") : tr("not known yet");
    gpu_->setText(gpus.value(0, unknown));
    setToolTip(gpus.size() > 1
                   ? tr("Where it is sold out meanwhile: %1").arg(gpus.mid(1).join(u"; "_s))
                   : QString());
    volumeText_->setText(volume() ? tr("%1, %2 GB in %3")
                                        .arg(volume()->name)
                                        .arg(volume()->sizeGb)
                                        .arg(volume()->dataCenter)
                                  : unknown);
    for (auto& [label, isKnown] :
         {std::pair(gpu_, !gpus.isEmpty()), std::pair(volumeText_, volume() != nullptr)})
        label->setTone(isKnown ? Token::Text : Token::Secondary);
    const QString wrong = complaint();
    const bool isAsking = problem_.isEmpty() && !hasMarket_;
    estimate_->setTone(wrong.isEmpty() || isAsking ? Token::Secondary : Token::Warn);
    estimate_->setText(wrong.isEmpty() ? estimate() : wrong);
    Q_EMIT changed();
}

} // namespace caldera::studio
