// The plan being edited: every change is an undoable step with a name.
#pragma once

#include <QObject>
#include <QString>
#include <QUndoStack>

#include <functional>
#include <optional>

#include "core/model/config.h"
#include "core/plan/plan.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

class PlanDocument : public QObject {
    Q_OBJECT
public:
    explicit PlanDocument(QObject* parent = nullptr);

    /// Begins with another plan; the undo history starts anew.
    void reset(const Plan& plan, const ModelConfig& config);
    bool empty() const { return config_.layerCount == 0; }

    const Plan& plan() const { return plan_; }
    const ModelConfig& config() const { return config_; }
    CellSettings settingsOf(Cell cell) const { return plan_.settingsOf(cell); }
    /// Exact bytes; kept between changes.
    const PlanSize& size() const { return size_; }
    /// Why the plan cannot be used; nullopt when it can.
    const std::optional<Failure>& problem() const { return problem_; }
    /// The largest rank (a multiple of 16) that fits the module's matrix.
    int largestRank(Module module) const;
    /// The rank that all unlocked cells share by default.
    int commonRank() const { return plan_.defaults.rank; }

    /// Rank of every unlocked cell, less where a matrix is smaller.
    void setCommonRank(int rank);
    void setCellRank(Cell cell, int rank);
    void setCellSkipped(Cell cell, bool skipped);
    void setCellLocked(Cell cell, bool locked);
    void setEmbeddingBits(int bits);
    void setHeadBits(int bits);
    void setCalibrationTokens(int64_t tokens);

    QUndoStack& undoStack() { return stack_; }

Q_SIGNALS:
    void changed();

private:
    friend class PlanEdit;
    /// Pushes a step when `change` changes anything. Steps of the same non-negative `mergeId` in a
    /// row become one.
    void edit(const QString& name, int mergeId, const std::function<void(Plan&)>& change);
    void editCell(const QString& name, int mergeId, Cell cell,
                  const std::function<void(CellOverride&)>& change);
    void show(const Plan& plan);

    QUndoStack stack_;
    Plan plan_;
    ModelConfig config_;
    PlanSize size_;
    std::optional<Failure> problem_;
};

} // namespace caldera::studio
