#include "widgets/models/plan_document.h"

#include <QFileInfo>
#include <QUndoCommand>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/model/codec_facts.h"
#include "core/plan/plan_edit.h"
#include "widgets/models/plan_snapshot.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

// Ids of edits that merge on the undo stack.
constexpr int kMergeNothing = -1;
constexpr int kMergeCommonRank = 0;
constexpr int kMergeTokens = 1;
constexpr int kMergeCell = 1000;      // the first cell's, counted on from there
constexpr int kMergeStroke = 1 << 24; // the first stroke's

/// A glob over all layers of one module.
std::string modulePattern(Module module) {
    return "*." + std::string(moduleName(module));
}

QString nameOf(Cell cell) {
    return QString::fromStdString(cellName(cell));
}

} // namespace

/// One step: the plan before and after.
class PlanEdit : public QUndoCommand {
public:
    using State = std::shared_ptr<const PlanSnapshot>;

    PlanEdit(PlanDocument& document, const QString& name, int mergeId, State before, State after)
        : QUndoCommand(name), document_(document), mergeId_(mergeId), before_(std::move(before)),
          after_(std::move(after)) {}

    /// The step opens a file as well.
    void setFiles(PlanDocument::FileState before, PlanDocument::FileState after) {
        files_.emplace(std::move(before), std::move(after));
        isGiven_ = true;
    }
    void setGiven() { isGiven_ = true; }
    /// Whether what it leaves behind was solved or opened.
    bool isGiven() const { return isGiven_; }
    Plan before() const { return before_->plan(); }
    Plan after() const { return after_->plan(); }
    void undo() override {
        if (files_) {
            files_->second = document_.fileState(); // it may have been saved elsewhere since
            document_.keepTo(files_->first);
        }
        document_.show(before_);
    }
    void redo() override {
        if (files_) {
            files_->first = document_.fileState();
            document_.keepTo(files_->second);
        }
        document_.show(after_);
    }
    int id() const override { return mergeId_; }
    bool mergeWith(const QUndoCommand* other) override {
        if (isGiven_) {
            return false;
        }
        after_ = static_cast<const PlanEdit*>(other)->after_;
        setObsolete(after_->plan() == before_->plan());
        return true;
    }

private:
    PlanDocument& document_;
    int mergeId_;
    State before_;
    State after_;
    bool isGiven_ = false;
    std::optional<std::pair<PlanDocument::FileState, PlanDocument::FileState>> files_;
};

PlanDocument::PlanDocument(QObject* parent) : QObject(parent) {
    connect(&stack_, &QUndoStack::cleanChanged, this, &PlanDocument::fileChanged);
}

PlanDocument::~PlanDocument() {
    disconnect(&stack_, nullptr, this, nullptr); // it clears itself when this is half gone
}

void PlanDocument::reset(const Plan& plan, const ModelConfig& config, const QString& file) {
    Q_EMIT aboutToReset();
    stack_.clear();
    cells_ = PlanCells(plan, config);
    saved_ = plan;
    file_ = file;
    show(std::make_shared<const PlanSnapshot>(plan));
    Q_EMIT fileChanged();
}

int PlanDocument::editCells(const QString& name, const CellEdits& edits,
                            std::optional<int> stroke) {
    int leftAlone = 0;
    edit(name, stroke ? kMergeStroke + *stroke : kMergeNothing,
         [&](Plan& plan) { leftAlone = applyEdits(plan, cells_, edits); });
    return leftAlone;
}

void PlanDocument::undoStroke(int stroke) {
    const QUndoCommand* newest = stack_.index() > 0 ? stack_.command(stack_.index() - 1) : nullptr;
    if (newest != nullptr && newest->id() == kMergeStroke + stroke) {
        stack_.undo();
    }
}

void PlanDocument::setCommonBits(double bits) {
    edit(tr("Set the bits of all cells"), kMergeNothing, [this, bits](Plan& plan) {
        clearUnlocked(plan, cells_, [](CellOverride& override) { override.bits.reset(); });
        plan.defaults.bits = nearestBits(plan.defaults.codec, bits);
        // Codecs that lack these bits take the nearest they have.
        CellEdit nearest;
        nearest.bits = bits;
        applyEdits(plan, PlanCells(plan, config()),
                   editsOf(allCells(config().layerCount), nearest));
    });
}

void PlanDocument::setCommonRank(int rank) {
    edit(tr("Set the rank of all cells"), kMergeCommonRank, [this, rank](Plan& plan) {
        clearUnlocked(plan, cells_, [](CellOverride& override) { override.rank.reset(); });
        plan.defaults.rank = rank;
        for (const Module module : kModules) {
            if (const int largest = largestRank(module); largest < rank) {
                overrideOf(plan.patternOverrides, modulePattern(module)).rank = largest;
            }
        }
    });
}

void PlanDocument::setCellRank(Cell cell, int rank) {
    CellEdit change;
    change.rank = rank;
    const int place =
        cell.layer * static_cast<int>(kModules.size()) + static_cast<int>(cell.module);
    edit(tr("Set the rank of %1").arg(nameOf(cell)), kMergeCell + place, [&](Plan& plan) {
        applyEdits(plan, cells_, {{cell, change}});
    });
}

void PlanDocument::dragCellRank(Cell cell, int rank, int stroke) {
    CellEdit change;
    change.rank = rank;
    editCells(tr("Drag the rank of %1").arg(nameOf(cell)), {{cell, change}}, stroke);
}

void PlanDocument::setCellBits(Cell cell, double bits) {
    CellEdit change;
    change.bits = bits;
    editCells(tr("Set the bits of %1").arg(nameOf(cell)), {{cell, change}});
}

void PlanDocument::setCellCodec(Cell cell, const QString& family) {
    CellEdit change;
    change.codec = family.toStdString();
    editCells(tr("Set the codec of %1").arg(nameOf(cell)), {{cell, change}});
}

void PlanDocument::setCellSkipped(Cell cell, bool skipped) {
    CellEdit change;
    change.skip = skipped;
    editCells(skipped ? tr("Keep %1 at 16 bits").arg(nameOf(cell))
                      : tr("Compress %1").arg(nameOf(cell)),
              {{cell, change}});
}

void PlanDocument::setCellLocked(Cell cell, bool locked) {
    CellEdit change;
    change.locked = locked;
    editCells(locked ? tr("Lock %1").arg(nameOf(cell)) : tr("Unlock %1").arg(nameOf(cell)),
              {{cell, change}});
}

void PlanDocument::setEmbeddingBits(int bits) {
    edit(tr("Set the bits of the embeddings"), kMergeNothing,
         [bits](Plan& plan) { plan.embeddingBits = bits; });
}

void PlanDocument::setHeadBits(int bits) {
    edit(tr("Set the bits of the head"), kMergeNothing,
         [bits](Plan& plan) { plan.headBits = bits; });
}

void PlanDocument::setCalibrationTokens(int64_t tokens) {
    edit(tr("Set the calibration tokens"), kMergeTokens,
         [tokens](Plan& plan) { plan.calibration.tokens = tokens; });
}

void PlanDocument::take(const QString& name, const Plan& plan) {
    edit(name, kMergeNothing, [&plan](Plan& mine) { mine = plan; });
}

void PlanDocument::takeSolved(const QString& name, const Plan& plan) {
    take(name, plan);
    if (PlanEdit* step = newestStep()) { // also where there was nothing to change
        step->setGiven();
    }
}

/// That was done and not undone; null where there is none.
PlanEdit* PlanDocument::newestStep() {
    const int index = stack_.index();
    return index > 0 ? static_cast<PlanEdit*>(const_cast<QUndoCommand*>(stack_.command(index - 1)))
                     : nullptr;
}

Plan PlanDocument::given() const {
    const auto step = [this](int index) {
        return static_cast<const PlanEdit*>(stack_.command(index));
    };
    for (int index = stack_.index() - 1; index >= 0; --index) {
        if (step(index)->isGiven()) {
            return step(index)->after();
        }
    }
    return stack_.count() > 0 ? step(0)->before() : plan_;
}

void PlanDocument::replace(const QString& name, const Plan& plan) {
    Plan mine = plan;
    mine.model = plan_.model;
    take(name, mine);
}

void PlanDocument::open(const Plan& plan, const QString& file) {
    if (!(plan == plan_)) {
        auto state = std::make_shared<const PlanSnapshot>(plan, shown_.get());
        auto step = std::make_unique<PlanEdit>(*this, tr("Open %1").arg(QFileInfo(file).fileName()),
                                               kMergeNothing, shown_, std::move(state));
        step->setFiles({file_, saved_}, {file, plan});
        stack_.push(step.release());
    }
    markSaved(file, plan);
}

void PlanDocument::keepTo(const FileState& state) {
    file_ = state.file;
    saved_ = state.saved;
    Q_EMIT fileChanged();
}

void PlanDocument::markSaved(const QString& file, const Plan& plan) {
    file_ = file;
    saved_ = plan;
    if (plan == plan_) {
        stack_.setClean();
    }
    Q_EMIT fileChanged();
}

void PlanDocument::edit(const QString& name, int mergeId,
                        const std::function<void(Plan&)>& change) {
    Plan after = plan_;
    change(after);
    if (!(after == plan_)) {
        auto state = std::make_shared<const PlanSnapshot>(std::move(after), shown_.get());
        stack_.push(new PlanEdit(*this, name, mergeId, shown_, std::move(state)));
    }
}

void PlanDocument::show(const std::shared_ptr<const PlanSnapshot>& snapshot) {
    shown_ = snapshot;
    plan_ = snapshot->plan();
    cells_.follow(plan_);
    findProblem();
    Q_EMIT changed();
}

void PlanDocument::findProblem() {
    problem_.reset();
    try {
        checkPlan(plan_, cells_);
    } catch (const std::exception& error) {
        problem_ = describeFailure(error);
    }
}

} // namespace caldera::studio
