// Lets the heatmap of what is open fill in while a run is at work on it, here or elsewhere.
#pragma once

#include <QJsonObject>
#include <QObject>
#include <QString>

#include "widgets/jobs/job_service.h"
#include "widgets/models/session.h"

namespace caldera::studio {

/// The model behind what is open: itself, or what the artifact was made from.
QString modelPath(const Session& session);
/// Whether it is only the outline of a model on another machine.
bool isOutlineOpen(const Session& session);
/// Whether a job works on the model behind what is open.
bool concernsOpenModel(const JobSummary& job, const Session& session);

class LiveJob : public QObject {
    Q_OBJECT
public:
    LiveJob(Session& session, JobService& service, QObject* parent = nullptr);
    /// The job is at work no longer.
    void end(const QString& id);

private:
    void takeEvent(const QString& id, const QJsonObject& event);
    void begin(const JobSummary& job);
    /// Shows what a run at work on the open model has finished before it was opened.
    void showRunning();
    void showCell(const JobCell& cell);

    Session& session_;
    JobService& service_;
    QString id_; ///< the job that is shown; empty: none
};

} // namespace caldera::studio
