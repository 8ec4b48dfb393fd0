// Between the session and the job service: starts measuring, compressing and evaluating what is
// open, changes the plan of a run, and brings results home.
#pragma once

#include <QHash>
#include <QJsonObject>
#include <QObject>
#include <QString>

#include <functional>
#include <optional>

#include "widgets/jobs/job_service.h"
#include "widgets/models/session.h"
#include "widgets/plan_view/evaluate_form.h"
#include "widgets/plan_view/launch_dialog.h"

namespace caldera::studio {

class LiveJob;
class PodJobs;
struct BlameQuestion;

/// A run that needs few settings or none, before a person lets it begin.
struct BeginSuggestion {
    JobRequest request;
    QString summary; ///< what it does
    QString podOf;   ///< it runs on a pod like that of this job; empty: on the request's target
    std::optional<EvaluateSettings> evaluating; ///< what of it is asked; none: nothing
};

class JobActions : public QObject {
    Q_OBJECT
public:
    JobActions(Session& session, JobService& service, PodJobs& pods, QObject* parent = nullptr);

    /// `read` learns what hosts show the hub of models, then calls what it is given; asked before a
    /// host has to fetch one.
    void setHubReader(std::function<void(std::function<void()> then)> read) {
        readHub_ = std::move(read);
    }
    /// Measures how fragile every cell of the open model is at the plan's settings, on this
    /// machine.
    void measure(const MeasureSettings& settings, bool forces = false);
    /// Emits launchSuggested() for a measurement that may run on any machine.
    void suggestMeasuring(const MeasureSettings& settings);
    /// Finds a free folder, then emits launchSuggested().
    void suggestLaunch();
    /// The same work as launch() would start, to ask what it takes.
    JobRequest checkRequest(const LaunchSettings& settings) const;
    /// Starts what the person decided.
    void launch(const LaunchSettings& settings);
    /// Writes the plan and starts the compression on this machine.
    void compress(const LaunchSettings& settings);
    /// Emits beginSuggested() for serving the result of a compression on the machine where it was
    /// made; of one on a pod on another pod with the same volume.
    void serveThere(const QString& id, const Target& target);
    /// The same for evaluating it there, against the model there.
    void evaluateThere(const QString& id, const Target& target);
    /// The compression of the open model that is at work and would take another plan; empty: none.
    QString revisableJob() const;
    /// Gives that compression the plan as it is now.
    void revise();
    /// The same for evaluating the open artifact against its original; where that lies only on the
    /// machine where the artifact was made, evaluationThereWanted() instead.
    void evaluate();
    /// Calls `then` with the whole request; texts for another machine are read first, and a failure
    /// is told.
    void complete(const BeginSuggestion& suggestion, std::function<void(const JobRequest&)> then);
    /// Starts what was suggested.
    void begin(const BeginSuggestion& suggestion, bool forces);
    /// Finds out which cells of the open artifact moved a token of the text; no text: of the
    /// held-out one. `place` 0: the token that lost most.
    void blame(const QString& text, int place);
    /// The same for a word of an answer.
    void blameAnswer(const BlameQuestion& question);

Q_SIGNALS:
    void launchSuggested(const caldera::studio::LaunchSettings& settings);
    void beginSuggested(const caldera::studio::BeginSuggestion& suggestion);
    void evaluationThereWanted(const QString& id);
    void started(const QString& id, const QString& title);
    /// A run at work was given the plan.
    void revised(const QString& id, const QString& title);
    /// A run of this session has ended, well or not; what came of it follows.
    void ended(const QString& id);
    /// A compression of this session has ended well.
    void artifactReady(const QString& title, const QString& folder);
    /// A blame of this session has ended, well or not.
    void blameEnded();
    /// What is open has been measured; its report is on the way.
    void measured();
    void failed(const caldera::studio::Failure& failure);

private:
    /// Starts it on its target, or on a pod of its own.
    void startElsewhere(const JobRequest& request, const std::optional<PodOrder>& pod);
    void suggestWhereMade(const JobSummary& made, const JobRequest& request,
                          const QString& summary);
    void launchElsewhere(const LaunchSettings& settings);
    void measureElsewhere(const LaunchSettings& settings);
    void sendTexts(const JobRequest& request, const MeasureSettings& chosen,
                   const std::optional<PodOrder>& pod);
    /// The plan with the calibration that was chosen for measuring.
    Plan measuredPlan(const MeasureSettings& settings) const;
    bool reportsOnWhatIsOpen(const JobSummary& job) const;
    QByteArray expectedFile() const;
    /// The compression on another machine that made it; empty: none.
    QString madeElsewhere(const QString& artifact) const;
    /// Writes what is explained beside the report that is to come, then starts the job with
    /// `option` and that file.
    void startBlame(const QString& option, const QByteArray& content, const QStringList& more);
    struct JobFiles;
    struct WrittenFiles;
    /// Writes the plan on the reading thread, then calls `start`.
    void withFiles(Plan plan, std::function<void(const JobFiles&)> start);
    void takeEvent(const QString& id, const QJsonObject& event);
    void takeChange(const QString& id);
    void tellLateRevision(const JobSummary& job);
    void finish(const QString& id);
    void keepSpeed(const QString& id);
    /// Keeps what a job of this kind measured on another machine where this one's results are.
    void keepMeasured(const QString& kind, const QString& report);

    Session& session_;
    JobService& service_;
    PodJobs& pods_;
    std::function<void(std::function<void()>)> readHub_;
    QHash<QString, bool> active_; ///< jobs seen at work
    LiveJob* live_;
    QHash<QString, QJsonObject> speeds_; ///< what jobs told of their speed
    QHash<QString, QString> revising_;   ///< jobs that were given a plan: the hash of its text
};

} // namespace caldera::studio
