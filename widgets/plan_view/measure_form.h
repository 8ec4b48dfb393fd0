// Which metrics to measure and on which texts: what a dialog that starts a measurement asks.
#pragma once

#include <QString>
#include <QStringList>
#include <QWidget>

#include <array>

#include "core/model/config.h"
#include "core/preflight/processor_speed.h"

class QCheckBox;
class QSpinBox;

namespace caldera::studio {

class TextChoice;
class ToneLabel;

/// What the person decided.
struct MeasureSettings {
    QStringList metrics{QStringLiteral("proxy"), QStringLiteral("kl")}; ///< as --metric names them
    QString calibrationText; ///< empty: the text that comes with the program
    qint64 calibrationTokens = 0;
    QString text; ///< to measure on; empty: the one that comes with the program
    qint64 textTokens = 512;
};

/// The same as work, to be estimated.
FidelityWork fidelityWork(const MeasureSettings& settings);

class MeasureForm : public QWidget {
    Q_OBJECT
public:
    /// Where the work will be done, which decides what can be said of its time.
    enum class Place { Here, Elsewhere };

    /// `measured` are the metrics that the model's report has already.
    MeasureForm(const ModelConfig& config, const MeasureSettings& suggested,
                const QStringList& measured, QWidget* parent = nullptr);
    MeasureSettings settings() const;
    /// The same as work, with no more tokens than the texts have.
    FidelityWork work() const;
    /// Whether it can be measured so: a metric is chosen, and the texts that it needs are read.
    bool isSound() const { return isSound_; }
    void setPlace(Place place);
    /// By which the time here is told.
    void setSpeed(const ProcessorSpeed& speed);

    QCheckBox* metricBox(const QString& metric) const;
    TextChoice* calibration() const { return calibration_; }
    TextChoice* text() const { return text_; }
    QString estimate() const;

Q_SIGNALS:
    void changed();

private:
    QWidget* makeMetrics(const MeasureSettings& suggested, const QStringList& measured);
    QWidget* makeTexts(const MeasureSettings& suggested);
    QString estimateText() const;
    void update();

    static constexpr int kMetrics = 4;
    ModelConfig config_;
    ProcessorSpeed speed_;
    Place place_ = Place::Here;
    bool isSound_ = false;
    std::array<QCheckBox*, kMetrics> metrics_{};
    TextChoice* calibration_ = nullptr;
    QSpinBox* calibrationTokens_ = nullptr;
    TextChoice* text_ = nullptr;
    QSpinBox* textTokens_ = nullptr;
    ToneLabel* estimate_ = nullptr;
};

} // namespace caldera::studio
