#include "widgets/models/plan_comparison.h"

#include <algorithm>

#include "widgets/models/plan_document.h"

namespace caldera::studio {

namespace {

/// What a plan says besides the codes of its cells and the name of its model.
Plan withoutCells(const Plan& plan) {
    Plan rest;
    rest.calibration = plan.calibration;
    rest.embeddingBits = plan.embeddingBits;
    rest.headBits = plan.headBits;
    const CellSettings codes;
    rest.defaults = plan.defaults;
    rest.defaults.bits = codes.bits;
    rest.defaults.rank = codes.rank;
    rest.defaults.codec = codes.codec;
    rest.defaults.skip = codes.skip;
    rest.defaults.locked = codes.locked;
    return rest;
}

} // namespace

bool sameCodes(const CellSettings& a, const CellSettings& b) {
    return a.skip == b.skip &&
           (a.skip || (a.bits == b.bits && a.rank == b.rank && a.codec == b.codec));
}

PlanComparison::PlanComparison(PlanDocument& plan, QObject* parent) : QObject(parent), plan_(plan) {
    connect(&plan_, &PlanDocument::changed, this, &PlanComparison::compare);
    connect(&plan_, &PlanDocument::aboutToReset, this, &PlanComparison::end);
}

void PlanComparison::begin(const QString& name, const Plan& other,
                           const std::map<Cell, QString>& reasons) {
    name_ = name;
    otherPlan_ = withoutCells(other);
    other_.emplace(other, plan_.config());
    reasons_.clear();
    for (const auto& [cell, sentence] : reasons) {
        reasons_[cell] = {plan_.settingsOf(cell), sentence};
    }
    compare();
    Q_EMIT otherChanged();
}

void PlanComparison::end() {
    if (other_) {
        other_.reset();
        name_.clear();
        reasons_.clear();
        compare();
        Q_EMIT otherChanged();
    }
}

QString PlanComparison::reasonOf(Cell cell) const {
    const auto found = std::find_if(differences_.begin(), differences_.end(),
                                    [cell](const auto& other) { return other.cell == cell; });
    return found == differences_.end() ? QString() : found->reason;
}

QString PlanComparison::reasonFor(Cell cell) const {
    const auto found = reasons_.find(cell);
    const bool holds =
        found != reasons_.end() && sameCodes(found->second.settings, plan_.settingsOf(cell));
    return holds ? found->second.sentence : QString();
}

int64_t PlanComparison::bytes() const {
    return other_ ? plan_.size().total() - other_->size().total() : 0;
}

void PlanComparison::compare() {
    const bool none = !other_ && differences_.empty();
    differences_.clear();
    otherSettings_.clear();
    if (none) {
        return;
    }
    const int layers = other_ ? plan_.config().layerCount : 0;
    for (const Cell cell : allCells(layers)) {
        const CellSettings& there = other_->settingsOf(cell);
        const CellSettings& here = plan_.settingsOf(cell);
        if (!sameCodes(there, here)) {
            differences_.push_back({cell, there, here,
                                    plan_.cells().bytesOf(cell) - other_->bytesOf(cell),
                                    reasonFor(cell)});
        }
    }
    if (other_) {
        otherSettings_ = diffPlans(otherPlan_, withoutCells(plan_.plan()));
    }
    Q_EMIT changed();
}

} // namespace caldera::studio
