// The line of plan-wide settings: bits, rank, embeddings, head.
#pragma once

#include <QWidget>

class QComboBox;
class QLabel;
class QSpinBox;

namespace caldera::studio {

class PlanDocument;

class PlanSettings : public QWidget {
    Q_OBJECT
public:
    explicit PlanSettings(PlanDocument& plan, QWidget* parent = nullptr);
    QSpinBox* rankBox() const { return rank_; }

private:
    void updateFromPlan();
    QComboBox* tableBits(const QString& name);

    PlanDocument& plan_;
    QSpinBox* rank_;
    QComboBox* embeddings_;
    QLabel* headCaption_;
    QComboBox* head_;
};

} // namespace caldera::studio
