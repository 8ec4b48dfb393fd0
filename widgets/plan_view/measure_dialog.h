// Asks which metrics to measure, and on which texts, before a measurement of fragility starts.
#pragma once

#include <QDialog>
#include <QString>
#include <QStringList>

#include <array>

#include "core/model/config.h"
#include "core/plan/time_estimate.h"

class QCheckBox;
class QPushButton;
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

class MeasureDialog : public QDialog {
    Q_OBJECT
public:
    /// `measured` are the metrics that the model's report has already.
    MeasureDialog(const QString& model, const ModelConfig& config, const MeasureSettings& suggested,
                  const QStringList& measured, QWidget* parent = nullptr);
    MeasureSettings settings() const;

    QCheckBox* metricBox(const QString& metric) const;
    TextChoice* calibration() const { return calibration_; }
    TextChoice* text() const { return text_; }
    QPushButton* startButton() const { return start_; }
    QString estimate() const;

private:
    QWidget* makeMetrics(const MeasureSettings& suggested, const QStringList& measured);
    QWidget* makeTexts(const MeasureSettings& suggested);
    QWidget* makeButtons();
    void update();
    void fit();

    static constexpr int kMetrics = 4;
    ModelConfig config_;
    std::array<QCheckBox*, kMetrics> metrics_{};
    TextChoice* calibration_ = nullptr;
    QSpinBox* calibrationTokens_ = nullptr;
    TextChoice* text_ = nullptr;
    QSpinBox* textTokens_ = nullptr;
    ToneLabel* estimate_ = nullptr;
    QPushButton* start_ = nullptr;
};

} // namespace caldera::studio
