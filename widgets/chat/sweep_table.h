// The points of a measured sweep as a table that can be copied and exported.
#pragma once

#include "widgets/chat/sweep_run.h"
#include "widgets/models/value_table_model.h"
#include "widgets/support/table.h"

namespace caldera::studio {

/// A row for each point. Files also get what the whole run has in common: which artifact was
/// measured, on what and when, and what it is compared with.
class SweepTable : public Table {
    Q_OBJECT
public:
    explicit SweepTable(QWidget* parent = nullptr);

    /// `run` beside an earlier one; either may be null.
    void showRun(const SweepRun* run, const SweepRun* before);
    const ValueTableModel& values() const { return model_; }

private:
    ValueTableModel model_;
};

} // namespace caldera::studio
