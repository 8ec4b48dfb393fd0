// The page of Inspect about the depth: what each layer adds, and how far the model has drifted.
#pragma once

#include "widgets/inspect_view/inspect_page.h"
#include "widgets/models/open_facts.h"

class QLabel;
class QStackedWidget;

namespace caldera::studio {

class DepthPage : public InspectPage {
    Q_OBJECT
public:
    explicit DepthPage(QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    bool hasDataOf(const InspectFocus& focus) const override;
    /// What the heatmap is coloured by; nullptr: nothing.
    void setMetric(const MetricLayer* metric);
    void setEvaluations(const std::vector<EvaluationRecord>& evaluations);
    Plot* cells() const { return cells_; }
    Plot* hidden() const { return hidden_; }
    /// Why there are no hidden states to show.
    QLabel* hiddenNote() const { return hiddenNote_; }

private:
    void chooseByPoints();

    InspectFocus focus_;
    Plot* cells_;
    Plot* hidden_;
    QStackedWidget* hiddenStack_;
    QLabel* hiddenNote_;
};

} // namespace caldera::studio
