// The plan being edited: every change is an undoable step with a name.
#pragma once

#include <QObject>
#include <QString>
#include <QUndoStack>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/model/config.h"
#include "core/plan/plan.h"
#include "core/plan/plan_cells.h"
#include "core/plan/rank_step.h"
#include "widgets/models/cell_edit.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

class PlanEdit;
class PlanSnapshot;

class PlanDocument : public QObject {
    Q_OBJECT
public:
    explicit PlanDocument(QObject* parent = nullptr);
    ~PlanDocument() override;

    /// Begins with another plan; the undo history starts anew. `file` is empty for a plan that was
    /// never saved.
    void reset(const Plan& plan, const ModelConfig& config, const QString& file = {});
    bool empty() const { return config().layerCount == 0; }

    const Plan& plan() const { return plan_; }
    const ModelConfig& config() const { return cells_.config(); }
    /// Every cell's settings and bytes; kept between changes.
    const PlanCells& cells() const { return cells_; }
    const CellSettings& settingsOf(Cell cell) const { return cells_.settingsOf(cell); }
    const PlanSize& size() const { return cells_.size(); }
    /// Why the plan cannot be used; nullopt when it can.
    const std::optional<Failure>& problem() const { return problem_; }
    /// The largest rank (a multiple of 16) that fits the module's matrix.
    int largestRank(Module module) const { return caldera::largestRank(config().shapeOf(module)); }

    /// Sets what a stroke paints, as one step. Steps with the same `stroke` in a row become one.
    /// Returns how many cells were left alone for being locked.
    int editCells(const QString& name, const CellEdits& edits, std::optional<int> stroke = {});
    /// A number for editCells() that no other stroke has.
    int newStroke() { return nextStroke_++; }
    /// Undoes the newest step if it is the stroke's.
    void undoStroke(int stroke);
    /// Bits or rank of every unlocked cell: the nearest that its codec has, less where a matrix is
    /// smaller.
    void setCommonBits(double bits);
    void setCommonRank(int rank);
    void setCellRank(Cell cell, int rank);
    void dragCellRank(Cell cell, int rank, int stroke);
    void setCellBits(Cell cell, double bits);
    /// Cells that share the input take it as well.
    void setCellCodec(Cell cell, const QString& family);
    void setCellSkipped(Cell cell, bool skipped);
    void setCellLocked(Cell cell, bool locked);
    void setEmbeddingBits(int bits);
    void setHeadBits(int bits);
    void setCalibrationTokens(int64_t tokens);
    /// Takes another plan, as one step.
    void take(const QString& name, const Plan& plan);
    /// The same of one that a solver found: given() from here on.
    void takeSolved(const QString& name, const Plan& plan);
    /// The same, but which model it is for stays.
    void replace(const QString& name, const Plan& plan);
    /// Takes the plan of a file, as one step, and keeps to that file.
    void open(const Plan& plan, const QString& file);

    QUndoStack& undoStack() { return stack_; }
    const QUndoStack& undoStack() const { return stack_; }

    /// The file that the plan came from or was saved to last; empty: none.
    const QString& file() const { return file_; }
    /// The plan as it stands in that file, or as it was when it was opened.
    const Plan& saved() const { return saved_; }
    /// The plan as it was last solved or opened: what differs since was changed by hand.
    Plan given() const;
    bool modified() const { return !stack_.isClean(); }
    /// `plan` (an earlier state, when saving took its time) is in `file` now.
    void markSaved(const QString& file, const Plan& plan);

Q_SIGNALS:
    /// The plan of something else is coming; this one is still here.
    void aboutToReset();
    void changed();
    /// file(), saved() or modified() changed.
    void fileChanged();

private:
    friend class PlanEdit;
    /// Pushes a step when `change` changes anything. Steps of the same non-negative `mergeId` in a
    /// row become one.
    void edit(const QString& name, int mergeId, const std::function<void(Plan&)>& change);
    void show(const std::shared_ptr<const PlanSnapshot>& snapshot);
    PlanEdit* newestStep();
    /// The file that a state of the plan keeps to.
    struct FileState {
        QString file;
        Plan saved;
    };
    FileState fileState() const { return {file_, saved_}; }
    void keepTo(const FileState& state);
    void findProblem();

    QUndoStack stack_;
    Plan plan_;
    Plan saved_;
    QString file_;
    std::shared_ptr<const PlanSnapshot> shown_; ///< plan_
    PlanCells cells_;
    std::optional<Failure> problem_;
    int nextStroke_ = 0;
};

} // namespace caldera::studio
