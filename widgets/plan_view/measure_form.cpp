#include "widgets/plan_view/measure_form.h"

#include <QCheckBox>
#include <QFormLayout>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>

#include "core/base/paths.h"
#include "widgets/plan_view/text_choice.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kFewestTokens = 64;
constexpr int kMostTokens = 1 << 24;
constexpr int kNumberWidth = 140;

const std::array<QString, 4>& metricIds() {
    static const std::array<QString, 4> ids = {u"proxy"_s, u"kl"_s, u"sipit"_s, u"lens"_s};
    return ids;
}

struct MetricText {
    QString title;
    QString explanation;
};

std::array<MetricText, 4> metricTexts() {
    return {{{MeasureForm::tr("Error of the settings"),
              MeasureForm::tr("What compression leaves of each cell, at several bits and ranks. "
                              "Solving for a budget needs it.")},
             {MeasureForm::tr("KL divergence"),
              MeasureForm::tr("How much the predictions change when one cell has such errors. "
                              "With it the solver knows which errors matter.")},
             {MeasureForm::tr("Noise ratio"),
              MeasureForm::tr("Whether a token can still be told from the disturbed state of its "
                              "layer. Close to KL, and needs no layers behind.")},
             {MeasureForm::tr("Lens"),
              MeasureForm::tr("The score of qwen2-caldera-max, of the original model alone. To "
                              "compare with, not to decide by.")}}};
}

QString builtinText(const char* file) {
    return QString::fromStdString((resourcesFolder() / file).string());
}

QSpinBox* tokenBox(qint64 tokens, const QString& name, QWidget* parent) {
    auto* box = new QSpinBox(parent);
    box->setRange(kFewestTokens, kMostTokens);
    box->setSingleStep(512);
    box->setValue(static_cast<int>(std::clamp<qint64>(tokens, kFewestTokens, kMostTokens)));
    box->setFixedWidth(kNumberWidth);
    box->setAccessibleName(name);
    return box;
}

} // namespace

FidelityWork fidelityWork(const MeasureSettings& settings) {
    const auto has = [&settings](const QString& id) { return settings.metrics.contains(id); };
    const bool calibrates = has(u"proxy"_s) || has(u"kl"_s) || has(u"sipit"_s);
    return {has(u"proxy"_s),
            has(u"kl"_s),
            has(u"sipit"_s),
            has(u"lens"_s),
            calibrates ? settings.calibrationTokens : 0,
            settings.textTokens};
}

MeasureForm::MeasureForm(const ModelConfig& config, const MeasureSettings& suggested,
                         const QStringList& measured, QWidget* parent)
    : QWidget(parent), config_(config),
      estimate_(new ToneLabel(QString(), Token::Secondary, this)) {
    estimate_->setWordWrap(true);
    keepLines(*estimate_, 2); // what it says of a choice wraps, of none it does not
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(makeMetrics(suggested, measured));
    layout->addWidget(new Separator(Qt::Horizontal, this));
    layout->addWidget(makeTexts(suggested));
    layout->addWidget(estimate_);
    for (QCheckBox* box : metrics_) {
        connect(box, &QCheckBox::toggled, this, &MeasureForm::update);
    }
    for (const TextChoice* choice : {calibration_, text_}) {
        connect(choice, &TextChoice::changed, this, &MeasureForm::update);
    }
    for (const QSpinBox* box : {calibrationTokens_, textTokens_}) {
        connect(box, &QSpinBox::valueChanged, this, &MeasureForm::update);
    }
    update();
}

QWidget* MeasureForm::makeMetrics(const MeasureSettings& suggested, const QStringList& measured) {
    auto* page = new QWidget(this);
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    const std::array<MetricText, kMetrics> texts = metricTexts();
    for (size_t at = 0; at < metrics_.size(); ++at) {
        const QString& id = metricIds().at(at);
        const QString& title = texts.at(at).title;
        auto* box = new QCheckBox(
            measured.contains(id) ? tr("%1 (measured before)").arg(title) : title, page);
        box->setObjectName(id);
        box->setChecked(suggested.metrics.contains(id));
        box->setAccessibleDescription(texts.at(at).explanation);
        auto* explanation = new ToneLabel(texts.at(at).explanation, Token::Secondary, page);
        explanation->setWordWrap(true);
        explanation->setContentsMargins(kSpaceHuge, 0, 0, kSpaceSmall);
        layout->addWidget(box);
        layout->addWidget(explanation);
        metrics_.at(at) = box;
    }
    return page;
}

QWidget* MeasureForm::makeTexts(const MeasureSettings& suggested) {
    auto* page = new QWidget(this);
    calibration_ = new TextChoice(tr("Calibration text"), page);
    calibration_->setPath(suggested.calibrationText);
    calibration_->setBuiltin(builtinText("calibration/builtin.txt"));
    calibrationTokens_ =
        tokenBox(suggested.calibrationTokens, tr("Tokens of the calibration text"), page);
    calibrationTokens_->setToolTip(tr("How much text the errors are weighted with"));
    text_ = new TextChoice(tr("Text to measure on"), page);
    text_->setPath(suggested.text);
    text_->setBuiltin(builtinText("demo-model/heldout.txt"));
    textTokens_ = tokenBox(suggested.textTokens, tr("Tokens to measure on"), page);
    textTokens_->setToolTip(tr("512 tell cells apart; thousands make the figures sure. It should "
                               "be another text than the one of calibration."));
    auto* form = new QFormLayout(page);
    form->setContentsMargins(0, 0, 0, 0);
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceSmall);
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    form->addRow(tr("Calibration text"), calibration_);
    form->addRow(tr("Tokens of it"), calibrationTokens_);
    form->addRow(tr("Text to measure on"), text_);
    form->addRow(tr("Tokens of it"), textTokens_);
    return page;
}

QCheckBox* MeasureForm::metricBox(const QString& metric) const {
    return findChild<QCheckBox*>(metric);
}

QString MeasureForm::estimate() const {
    return estimate_->text();
}

MeasureSettings MeasureForm::settings() const {
    MeasureSettings settings;
    settings.metrics.clear();
    for (const QCheckBox* box : metrics_) {
        if (box->isChecked()) {
            settings.metrics.append(box->objectName());
        }
    }
    settings.calibrationText = calibration_->isEnabled() ? calibration_->path() : QString();
    settings.calibrationTokens = calibrationTokens_->value();
    settings.text = text_->isEnabled() ? text_->path() : QString();
    settings.textTokens = textTokens_->value();
    return settings;
}

FidelityWork MeasureForm::work() const {
    FidelityWork work = fidelityWork(settings());
    work.calibrationTokens = likelyTokens(work.calibrationTokens, calibration_->bytes());
    work.textTokens = likelyTokens(work.textTokens, text_->bytes());
    return work;
}

void MeasureForm::setPlace(Place place) {
    place_ = place;
    update();
}

void MeasureForm::setSpeed(const ProcessorSpeed& speed) {
    speed_ = speed;
    update();
}

void MeasureForm::update() {
    const MeasureSettings chosen = settings();
    const auto has = [&chosen](const QString& id) { return chosen.metrics.contains(id); };
    const bool noise = has(u"kl"_s) || has(u"sipit"_s);
    calibration_->setEnabled(noise || has(u"proxy"_s));
    calibrationTokens_->setEnabled(calibration_->isEnabled());
    text_->setEnabled(noise || has(u"lens"_s));
    textTokens_->setEnabled(text_->isEnabled());
    isSound_ = !chosen.metrics.isEmpty() && (!calibration_->isEnabled() || calibration_->sound()) &&
               (!text_->isEnabled() || text_->sound());
    estimate_->setText(estimateText());
    Q_EMIT changed();
}

QString MeasureForm::estimateText() const {
    if (settings().metrics.isEmpty()) {
        return tr("Choose at least one metric.");
    }
    if (place_ == Place::Elsewhere) {
        const double seconds = fidelitySecondsOnGpu(config_, work());
        return tr("About %1 on an H100, a first guess from the model's shape. It can be stopped "
                  "and resumed in Runs.")
            .arg(spanText(std::max(1.0, seconds)));
    }
    const TimeEstimate time = speed_.toMeasure(config_, work());
    const QString span = spanText(std::max(1.0, time.seconds));
    return time.runs > 0
               ? tr("About %1 on the processor of this machine, as measured in %n earlier run(s). "
                    "It can be stopped and resumed in Runs.",
                    nullptr, time.runs)
                     .arg(span)
               : tr("About %1 on the processor of this machine (%n core(s)), a first guess from "
                    "the model's shape. It can be stopped and resumed in Runs.",
                    nullptr, speed_.threads)
                     .arg(span);
}

} // namespace caldera::studio
