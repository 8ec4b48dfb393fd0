#include "widgets/models/plan_document.h"

#include <QUndoCommand>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/plan/rank_step.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

// Ids of edits that merge on the undo stack.
constexpr int kMergeCommonRank = 0;
constexpr int kMergeTokens = 1;
constexpr int kMergeCell = 1000; // the first cell's, counted on from there

/// A glob over all layers of one module.
std::string modulePattern(Module module) {
    return "*." + std::string(moduleName(module));
}

int mergeIdOf(Cell cell) {
    return kMergeCell + cell.layer * static_cast<int>(kModules.size()) +
           static_cast<int>(cell.module);
}

template <typename Overrides>
void dropEmpty(Overrides& overrides) {
    std::erase_if(overrides, [](const auto& entry) { return entry.second == CellOverride(); });
}

} // namespace

/// One step: the plan before and after.
class PlanEdit : public QUndoCommand {
public:
    PlanEdit(PlanDocument& document, const QString& name, int mergeId, Plan before, Plan after)
        : QUndoCommand(name), document_(document), mergeId_(mergeId), before_(std::move(before)),
          after_(std::move(after)) {}

    void undo() override { document_.show(before_); }
    void redo() override { document_.show(after_); }
    int id() const override { return mergeId_; }
    bool mergeWith(const QUndoCommand* other) override {
        after_ = static_cast<const PlanEdit*>(other)->after_;
        setObsolete(after_ == before_);
        return true;
    }

private:
    PlanDocument& document_;
    int mergeId_;
    Plan before_;
    Plan after_;
};

PlanDocument::PlanDocument(QObject* parent) : QObject(parent) {}

void PlanDocument::reset(const Plan& plan, const ModelConfig& config) {
    stack_.clear();
    config_ = config;
    show(plan);
}

int PlanDocument::largestRank(Module module) const {
    const MatrixShape shape = config_.shapeOf(module);
    return static_cast<int>(std::min(shape.rows, shape.columns)) / kRankStep * kRankStep;
}

void PlanDocument::setCommonRank(int rank) {
    edit(tr("Set the rank of all cells"), kMergeCommonRank, [this, rank](Plan& plan) {
        plan.defaults.rank = rank;
        for (auto& [pattern, override] : plan.patternOverrides) {
            override.rank.reset();
        }
        for (auto& [name, override] : plan.layerOverrides) {
            if (!override.locked.value_or(false)) {
                override.rank.reset();
            }
        }
        dropEmpty(plan.patternOverrides);
        dropEmpty(plan.layerOverrides);
        for (const Module module : kModules) {
            if (const int largest = largestRank(module); largest < rank) {
                CellOverride smaller;
                smaller.rank = largest;
                plan.patternOverrides.emplace_back(modulePattern(module), smaller);
            }
        }
    });
}

void PlanDocument::setCellRank(Cell cell, int rank) {
    editCell(tr("Set the rank of %1").arg(QString::fromStdString(cellName(cell))), mergeIdOf(cell),
             cell, [rank](CellOverride& override) { override.rank = rank; });
}

void PlanDocument::setCellSkipped(Cell cell, bool skipped) {
    const QString name = QString::fromStdString(cellName(cell));
    editCell(skipped ? tr("Keep %1 at 16 bits").arg(name) : tr("Compress %1").arg(name), -1, cell,
             [skipped](CellOverride& override) { override.skip = skipped; });
}

void PlanDocument::setCellLocked(Cell cell, bool locked) {
    const QString name = QString::fromStdString(cellName(cell));
    const int rank = settingsOf(cell).rank;
    editCell(locked ? tr("Lock %1").arg(name) : tr("Unlock %1").arg(name), -1, cell,
             [locked, rank](CellOverride& override) {
                 override.locked = locked;
                 if (locked) {
                     override.rank = rank; // what is locked no longer follows the plan
                 }
             });
}

void PlanDocument::setEmbeddingBits(int bits) {
    edit(tr("Set the bits of the embeddings"), -1,
         [bits](Plan& plan) { plan.embeddingBits = bits; });
}

void PlanDocument::setHeadBits(int bits) {
    edit(tr("Set the bits of the head"), -1, [bits](Plan& plan) { plan.headBits = bits; });
}

void PlanDocument::setCalibrationTokens(int64_t tokens) {
    edit(tr("Set the calibration tokens"), kMergeTokens,
         [tokens](Plan& plan) { plan.calibration.tokens = tokens; });
}

void PlanDocument::edit(const QString& name, int mergeId,
                        const std::function<void(Plan&)>& change) {
    Plan after = plan_;
    change(after);
    if (!(after == plan_)) {
        stack_.push(new PlanEdit(*this, name, mergeId, plan_, std::move(after)));
    }
}

void PlanDocument::editCell(const QString& name, int mergeId, Cell cell,
                            const std::function<void(CellOverride&)>& change) {
    edit(name, mergeId, [cell, &change](Plan& plan) {
        const std::string key = cellName(cell);
        auto found = std::find_if(plan.layerOverrides.begin(), plan.layerOverrides.end(),
                                  [&key](const auto& entry) { return entry.first == key; });
        if (found == plan.layerOverrides.end()) {
            plan.layerOverrides.emplace_back(key, CellOverride());
            found = std::prev(plan.layerOverrides.end());
        }
        change(found->second);
    });
}

void PlanDocument::show(const Plan& plan) {
    plan_ = plan;
    size_ = planSize(plan_, config_);
    problem_.reset();
    try {
        checkPlan(plan_, config_);
    } catch (const std::exception& error) {
        problem_ = describeFailure(error);
    }
    Q_EMIT changed();
}

} // namespace caldera::studio
