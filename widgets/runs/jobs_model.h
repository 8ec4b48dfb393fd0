// The table of jobs, newest first; fed by values.
#pragma once

#include <QAbstractTableModel>
#include <QList>

#include <optional>

#include "widgets/jobs/job_service.h"
#include "widgets/remote/pod_jobs.h"

namespace caldera::studio {

/// What a row shows.
struct JobRow {
    JobSummary summary;
    double cellsPerMinute = 0;        ///< 0: unknown
    qint64 cells = 0;                 ///< finished
    std::optional<PodCost> cost = {}; ///< of a job on a rented pod
};

class JobsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { State, Title, Machine, ProgressColumn, Speed, Spent, Created, ColumnCount };
    enum Role { IdRole = Qt::UserRole, PhaseRole, FractionRole, ActiveRole };

    using QAbstractTableModel::QAbstractTableModel;

    /// Adds the job, or takes its new values.
    void put(const JobRow& row);
    void remove(const QString& id);
    /// Row of a job; -1 when it is not there.
    int rowOf(const QString& id) const;
    QString idAt(int row) const;
    /// US dollars of all jobs that had a pod; nothing when none had.
    std::optional<double> spent() const;
    /// Whether a job runs on another machine than this.
    bool hasOtherMachines() const;
    /// The moments are told relative to now; call it now and then.
    void refreshMoments();

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString text(const JobRow& row, int column) const;
    QString toolTip(const JobRow& row, int column) const;

    QList<JobRow> rows_;
};

} // namespace caldera::studio
