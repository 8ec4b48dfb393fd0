// Asks which metrics to measure, and on which texts, before a measurement on this machine starts.
#pragma once

#include <QDialog>

#include "widgets/plan_view/measure_form.h"

class QPushButton;

namespace caldera::studio {

class MeasureDialog : public QDialog {
    Q_OBJECT
public:
    /// `measured` are the metrics that the model's report has already.
    MeasureDialog(const QString& model, const ModelConfig& config, const MeasureSettings& suggested,
                  const QStringList& measured, QWidget* parent = nullptr);
    MeasureSettings settings() const { return form_->settings(); }

    MeasureForm* form() const { return form_; }
    QPushButton* startButton() const { return start_; }

private:
    QWidget* makeButtons();
    void update();

    MeasureForm* form_;
    QPushButton* start_ = nullptr;
};

/// What a measurement of this model does, before anything is chosen.
QString measuringText(const QString& model, const ModelConfig& config);

} // namespace caldera::studio
