#include "widgets/plan_view/front_panel.h"

#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

#include "widgets/models/plan_solver.h"
#include "widgets/models/session.h"
#include "widgets/plan_view/plan_figures.h"
#include "widgets/support/labels.h"
#include "widgets/support/plot.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {
constexpr int kPlanCurve = 1;
constexpr int kLeastPlot = 150; ///< pixels in which a curve, its axes and their titles can be read
} // namespace

FrontPanel::FrontPanel(Session& session, PlanSolver& solver, QWidget* parent)
    : QWidget(parent), session_(session), solver_(solver),
      plot_(new Plot(tr("KL divergence over size"), this)), sentence_(new ElidedLabel({}, this)),
      find_(new QPushButton(tr("Find"), this)) {
    plot_->showLegend();
    sentence_->setTone(Token::Secondary);
    find_->setToolTip(tr("Solve for all sizes"));
    auto* line = new QHBoxLayout;
    line->addWidget(sentence_, 1);
    line->addWidget(find_);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(line);
    plot_->setMinimumHeight(kLeastPlot);
    auto* scroll = new QScrollArea(this); // a small window has less
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setWidget(plot_);
    layout->addWidget(scroll, 1);
    connect(find_, &QPushButton::clicked, &solver_, &PlanSolver::findFront);
    connect(&solver_, &PlanSolver::frontFound, this, &FrontPanel::showFront);
    connect(&solver_, &PlanSolver::busyChanged, this, &FrontPanel::update);
    connect(&solver_, &PlanSolver::lossesChanged, this, [this] { showFront({}); });
    connect(plot_, &Plot::clicked, this, [this](double x, double) {
        if (points_.empty()) {
            return;
        }
        const auto nearest = std::min_element(
            points_.begin(), points_.end(), [this, x](const auto& a, const auto& b) {
                return std::abs(static_cast<double>(a.bytes) / unit_.bytes - x) <
                       std::abs(static_cast<double>(b.bytes) / unit_.bytes - x);
            });
        Q_EMIT sizeChosen(static_cast<double>(nearest->bytes));
    });
    update();
}

void FrontPanel::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (points_.empty() && solver_.losses()) {
        solver_.findFront();
    }
    showPlan();
}

void FrontPanel::showFront(const std::vector<FrontPoint>& points) {
    points_ = points;
    if (!points_.empty()) {
        unit_ = sizeUnitFor(static_cast<double>(points_.back().bytes));
    }
    QVector<double> bytes;
    QVector<double> losses;
    for (const FrontPoint& point : points_) {
        bytes.append(static_cast<double>(point.bytes) / unit_.bytes);
        losses.append(point.kl);
    }
    const auto tone = [](Token token) { return [token] { return Theme::current().color(token); }; };
    plot_->setCurves({tr("size, %1").arg(unit_.name), tr("KL, nats"), true, false},
                     {{tr("best plans"), bytes, losses, tone(Token::Accent), true, false},
                      {tr("this plan"), {}, {}, tone(Token::Warn), true, false}});
    update();
    showPlan();
}

void FrontPanel::showPlan() {
    if (points_.empty() || !solver_.losses() || !isVisible()) {
        return;
    }
    const PlanDocument& plan = session_.plan();
    plot_->setCurveData(kPlanCurve, {static_cast<double>(plan.size().total()) / unit_.bytes},
                        {solver_.losses()->planLoss(plan.plan(), plan.cells())});
}

void FrontPanel::update() {
    const bool ready = solver_.losses() != nullptr;
    find_->setEnabled(ready && !solver_.busy());
    plot_->setVisible(!points_.empty());
    sentence_->setText(!ready            ? solver_.missing().sentence
                       : points_.empty() ? tr("The best plan of every size, once they are found.")
                                         : tr("Click the curve to solve for a size."));
}

} // namespace caldera::studio
