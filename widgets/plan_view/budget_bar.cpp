#include "widgets/plan_view/budget_bar.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QPushButton>
#include <QResizeEvent>
#include <QSignalBlocker>

#include <array>
#include <cmath>

#include "widgets/models/plan_solver.h"
#include "widgets/models/session.h"
#include "widgets/plan_view/kept_budget.h"
#include "widgets/plan_view/plan_figures.h"
#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

using Kind = AllocationTarget::Kind;

constexpr int kWidthForAir = 660;
constexpr int kNarrowButton = 56;
constexpr int kBesideContext = 30; ///< pixels of its arrow and margins
constexpr std::array kContexts = {2048, 4096, 8192, 16384, 32768};

/// How the amount of a target is written.
struct AmountLook {
    double unit = 1; ///< of the target's value
    int decimals = 2;
    double step = 0.1;
    double most = 1e6;
    QString suffix;
};

AmountLook lookOf(Kind kind, const SizeUnit& unit) {
    switch (kind) {
    case Kind::Bytes:
        return {unit.bytes, 3, 0.1, 1e6, u' ' + unit.name};
    case Kind::GpuMemory:
        return {kGibibyte, 2, 0.5, 1e4, u" GiB"_s};
    case Kind::BitsPerWeight:
        return {1, 3, 0.05, 16, {}};
    case Kind::Kl:
        return {1, 4, 0.005, 100, {}};
    case Kind::TokensPerSecond:
        break;
    }
    return {1, 1, 1, 1e5, u" tok/s"_s};
}

} // namespace

BudgetBar::BudgetBar(Session& session, PlanSolver& solver, QWidget* parent)
    : QWidget(parent), session_(session), solver_(solver), kind_(new QComboBox(this)),
      amount_(new QDoubleSpinBox(this)), context_(new QComboBox(this)), cache_(new QComboBox(this)),
      solve_(new QPushButton(tr("Solve"), this)), heal_(new QPushButton(tr("Heal"), this)),
      state_(new ToneLabel(QString(), Token::Secondary, this)) {
    setObjectName(u"budgetBar"_s);
    makeFields();
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    auto* caption = new ToneLabel(tr("Budget"), Token::Secondary, this);
    caption->setBuddy(kind_);
    layout->addWidget(caption);
    layout->addWidget(kind_);
    layout->addWidget(amount_);
    auto* contextCaption = new ToneLabel(tr("Context"), Token::Secondary, this);
    contextCaption->setBuddy(context_);
    layout->addWidget(contextCaption);
    layout->addWidget(context_);
    layout->addWidget(cache_);
    layout->addWidget(solve_);
    layout->addWidget(heal_);
    layout->addWidget(state_, 1);

    connect(kind_, &QComboBox::activated, this, &BudgetBar::chooseKind);
    connect(amount_, &QDoubleSpinBox::valueChanged, this, &BudgetBar::chooseAmount);
    connect(context_, &QComboBox::activated, this, &BudgetBar::chooseAmount);
    connect(cache_, &QComboBox::activated, this, &BudgetBar::chooseAmount);
    connect(solve_, &QPushButton::clicked, this,
            [this] { solver_.busy() ? solver_.cancel() : solver_.solve(); });
    connect(heal_, &QPushButton::clicked, &solver_, &PlanSolver::heal);
    connect(&solver_, &PlanSolver::busyChanged, this, &BudgetBar::showState);
    connect(&solver_, &PlanSolver::lossesChanged, this, &BudgetBar::showState);
    connect(&solver_, &PlanSolver::targetChanged, this, &BudgetBar::showState);
    changeKind();
}

void BudgetBar::resizeEvent(QResizeEvent* event) {
    const bool narrow = event->size().width() < kWidthForAir;
    layout()->setSpacing(narrow ? kSpaceTiny : kSpaceSmall);
    for (QPushButton* button : {solve_, heal_}) {
        button->setMaximumWidth(narrow ? kNarrowButton : QWIDGETSIZE_MAX);
    }
    QWidget::resizeEvent(event);
}

void BudgetBar::makeFields() {
    const auto named = [](QWidget* field, const QString& name) {
        field->setAccessibleName(name);
        field->setToolTip(name);
    };
    kind_->addItem(tr("Size"), static_cast<int>(Kind::Bytes));
    kind_->addItem(tr("Bits per weight"), static_cast<int>(Kind::BitsPerWeight));
    kind_->addItem(tr("GPU memory"), static_cast<int>(Kind::GpuMemory));
    kind_->addItem(tr("KL divergence"), static_cast<int>(Kind::Kl));
    kind_->addItem(tr("Speed"), static_cast<int>(Kind::TokensPerSecond));
    named(kind_, tr("What the plan has to keep to"));
    named(amount_, tr("How much of it"));
    amount_->setKeyboardTracking(false);
    showContexts();
    context_->setMinimumWidth(context_->fontMetrics().horizontalAdvance(tr("%1 tokens").arg(888)) +
                              kBesideContext);
    named(context_, tr("Context that GPU memory and speed are told for"));
    cache_->addItem(tr("16-bit cache"), 16);
    cache_->addItem(tr("8-bit cache"), 8);
    named(cache_, tr("Bits of keys and values in a GPU's memory"));
    heal_->setToolTip(tr("Cells that nobody touched since the last solution pay for those that "
                         "were; locked cells stay (Ctrl+H)"));
}

/// Those that the model takes; the one that was chosen stays where it can.
void BudgetBar::showContexts() {
    const int before =
        context_->count() > 0 ? context_->currentData().toInt() : AllocationTarget().contextLength;
    const bool known = !session_.plan().empty();
    const int most = known ? session_.plan().config().maxPositions : kContexts.back();
    const QSignalBlocker blocker(context_);
    context_->clear();
    for (const int tokens : kContexts) {
        if (tokens <= most) {
            context_->addItem(tr("%1k tokens").arg(tokens / 1024), tokens);
        }
    }
    if (context_->count() == 0) {
        context_->addItem(tr("%1 tokens").arg(most), most);
    }
    const int at = context_->findData(before);
    context_->setCurrentIndex(at >= 0 ? at : context_->count() - 1);
}

void BudgetBar::changeKind() {
    const auto kind = static_cast<Kind>(kind_->currentData().toInt());
    const bool onGpu = kind == Kind::GpuMemory || kind == Kind::TokensPerSecond;
    cache_->setVisible(onGpu);
    takePresent();
}

void BudgetBar::chooseKind() {
    changeKind();
    chooseAmount();
}

void BudgetBar::chooseAmount() {
    tellTarget();
    if (session_.facts()) {
        keepBudget(session_.facts()->fingerprint, solver_.target());
    }
}

void BudgetBar::begin() {
    const auto kept = keptBudget(session_.facts()->fingerprint);
    const auto choose = [](QComboBox* box, int value) {
        box->setCurrentIndex(qMax(0, box->findData(value)));
    };
    if (kept) {
        choose(kind_, static_cast<int>(kept->kind));
        choose(cache_, kept->cacheBits);
        showContexts();
        choose(context_, kept->contextLength);
    }
    changeKind();
    if (kept) {
        const QSignalBlocker blocker(amount_);
        amount_->setValue(kept->value / lookOf(kept->kind, sizeUnit()).unit);
        tellTarget();
    }
}

void BudgetBar::showUnit() {
    const AmountLook look = lookOf(static_cast<Kind>(kind_->currentData().toInt()), sizeUnit());
    const QSignalBlocker blocker(amount_);
    amount_->setDecimals(look.decimals);
    amount_->setRange(0, look.most);
    amount_->setSingleStep(look.step);
    amount_->setSuffix(look.suffix);
}

SizeUnit BudgetBar::sizeUnit() const {
    return sizeUnitFor(static_cast<double>(session_.plan().config().parameterCount()) * 2);
}

void BudgetBar::setSize(double bytes) {
    kind_->setCurrentIndex(kind_->findData(static_cast<int>(Kind::Bytes)));
    changeKind();
    // Not below what was asked for, which the least plan may need to the byte.
    const double step = std::pow(10.0, -amount_->decimals());
    amount_->setValue(std::ceil(bytes / sizeUnit().bytes / step) * step);
}

void BudgetBar::takePresent() {
    showUnit();
    showContexts();
    if (session_.plan().empty()) {
        return;
    }
    AllocationTarget target = solver_.target();
    target.kind = static_cast<Kind>(kind_->currentData().toInt());
    target.contextLength = context_->currentData().toInt();
    const QSignalBlocker blocker(amount_);
    const double now = presentAmount(session_, solver_, target);
    // To the next step at which the plan fits what is written: a speed is to be reached, the rest
    // not to be passed.
    const double step = std::pow(10.0, -amount_->decimals());
    const double steps = now / lookOf(target.kind, sizeUnit()).unit / step;
    amount_->setValue(step * (target.kind == Kind::TokensPerSecond ? std::floor(steps + 1e-6)
                                                                   : std::ceil(steps - 1e-6)));
    tellTarget();
}

void BudgetBar::tellTarget() {
    AllocationTarget target = solver_.target();
    target.kind = static_cast<Kind>(kind_->currentData().toInt());
    target.value = amount_->value() * lookOf(target.kind, sizeUnit()).unit;
    target.contextLength = context_->currentData().toInt();
    target.cacheBits = cache_->currentData().toInt();
    solver_.setTarget(target);
}

QString BudgetBar::stateText() const {
    return state_->text();
}

void BudgetBar::showState() {
    const bool ready = solver_.losses() != nullptr;
    const bool known = !session_.plan().empty();
    const BudgetState state = known ? budgetState(session_, solver_) : BudgetState();
    solve_->setText(solver_.busy() ? tr("Cancel") : tr("Solve"));
    // Without measurements the buttons say what is missing.
    solve_->setEnabled(known);
    heal_->setEnabled(known && !solver_.busy());
    solve_->setToolTip(ready ? tr("Choose bits and ranks of all cells that are not locked, for the "
                                  "least predicted KL divergence within the budget "
                                  "(Ctrl+Shift+Return)")
                             : solver_.missing().sentence);
    state_->setText(state.text);
    state_->setTone(state.over ? Token::Warn : Token::Secondary);
}

} // namespace caldera::studio
