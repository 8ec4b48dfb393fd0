// Another plan beside the one that is edited: what differs, cell by cell, and what it costs.
#pragma once

#include <QObject>
#include <QString>

#include <map>
#include <optional>
#include <vector>

#include "core/plan/plan_cells.h"
#include "core/plan/plan_diff.h"

namespace caldera::studio {

class PlanDocument;

/// A cell that has other settings there.
struct CellDifference {
    Cell cell;
    CellSettings there;
    CellSettings here;
    int64_t bytes = 0; ///< more here
    QString reason;    ///< of whoever changed it; empty: a person, or nobody said why
    bool operator==(const CellDifference&) const = default;
};

/// Follows the edited plan.
class PlanComparison : public QObject {
    Q_OBJECT
public:
    explicit PlanComparison(PlanDocument& plan, QObject* parent = nullptr);

    /// `reasons` say why cells of the edited plan are other than in that one; each holds while the
    /// cell stays as it is now.
    void begin(const QString& name, const Plan& other, const std::map<Cell, QString>& reasons = {});
    void end();
    /// Null while there is none.
    const PlanCells* other() const { return other_ ? &*other_ : nullptr; }
    const QString& name() const { return name_; }
    /// Whether changes since the other plan have reasons, so that those without are a person's.
    bool isExplained() const { return !reasons_.empty(); }
    const std::vector<CellDifference>& differences() const { return differences_; }
    /// Why the cell is other than there; empty when nobody said so, or it is the same.
    QString reasonOf(Cell cell) const;
    /// What differs besides cells: embeddings, head, calibration, how the solver works.
    const std::vector<PlanDifference>& otherSettings() const { return otherSettings_; }
    /// All weights: bytes more here.
    int64_t bytes() const;

Q_SIGNALS:
    void changed();
    /// Another plan stands beside, or none.
    void otherChanged();

private:
    struct Reason {
        CellSettings settings; ///< that it explains
        QString sentence;
    };
    QString reasonFor(Cell cell) const;
    void compare();

    PlanDocument& plan_;
    QString name_;
    Plan otherPlan_;
    std::optional<PlanCells> other_;
    std::map<Cell, Reason> reasons_;
    std::vector<CellDifference> differences_;
    std::vector<PlanDifference> otherSettings_;
};

/// Whether a plan gives both cells the same codes: bits, rank, codec, and which are kept.
bool sameCodes(const CellSettings& a, const CellSettings& b);

} // namespace caldera::studio
