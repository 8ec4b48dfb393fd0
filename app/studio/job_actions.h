// Between the session and the job service: starts measuring, compressing and evaluating what is
// open, lets cells fill in while a job works, and brings its result home.
#pragma once

#include <QHash>
#include <QJsonObject>
#include <QObject>
#include <QString>

#include <functional>

#include "widgets/models/session.h"
#include "widgets/plan_view/launch_dialog.h"
#include "widgets/plan_view/measure_dialog.h"

namespace caldera::studio {

class JobService;
struct BlameQuestion;
struct JobSummary;

class JobActions : public QObject {
    Q_OBJECT
public:
    JobActions(Session& session, JobService& service, QObject* parent = nullptr);

    /// Measures how fragile every cell of the open model is at the plan's settings, on this
    /// machine.
    void measure(const MeasureSettings& settings);
    /// Emits launchSuggested() for a measurement of which only the machine is open.
    void suggestMeasuring(const MeasureSettings& settings);
    /// Finds a free folder, then emits launchSuggested().
    void suggestLaunch();
    /// Starts what the person decided.
    void launch(const LaunchSettings& settings);
    /// Writes the plan and starts the compression on this machine.
    void compress(const LaunchSettings& settings);
    /// Serves the result of a compression on the machine where it was made.
    void serveThere(const QString& id, const Target& target);
    /// Evaluates the open artifact against its original.
    void evaluate();
    /// Finds out which cells of the open artifact moved a token of the text; no text: of the
    /// held-out one. `place` 0: the token that lost most.
    void blame(const QString& text, int place);
    /// The same for a word of an answer.
    void blameAnswer(const BlameQuestion& question);

Q_SIGNALS:
    void launchSuggested(const caldera::studio::LaunchSettings& settings);
    void started(const QString& id, const QString& title);
    /// A compression of this session has ended well.
    void artifactReady(const QString& title, const QString& folder);
    /// A blame of this session has ended, well or not.
    void blameEnded();
    /// What is open has been measured; its report is on the way.
    void measured();
    void failed(const caldera::studio::Failure& failure);

private:
    /// The model behind what is open: itself, or what the artifact was made from.
    QString modelPath() const;
    void launchElsewhere(const LaunchSettings& settings);
    void measureElsewhere(const LaunchSettings& settings);
    /// The plan with the calibration that was chosen for measuring.
    Plan measuredPlan() const;
    bool concernsOpenModel(const JobSummary& job) const;
    bool reportsOnWhatIsOpen(const JobSummary& job) const;
    void beginLive(const JobSummary& job);
    /// Writes what is explained beside the report that is to come, then starts the job with
    /// `option` and that file.
    void startBlame(const QString& option, const QByteArray& content, const QStringList& more);
    struct JobFiles;
    struct WrittenFiles;
    /// Writes the plan on the reading thread, then calls `start`.
    void withFiles(Plan plan, std::function<void(const JobFiles&)> start);
    void takeEvent(const QString& id, const QJsonObject& event);
    /// Shows what a run at work on the open model has finished before it was opened.
    void showRunning();
    void takeChange(const QString& id);
    void finish(const QString& id);

    Session& session_;
    JobService& service_;
    MeasureSettings measuring_;   ///< as was chosen last
    QHash<QString, bool> active_; ///< jobs seen at work
    QString liveJob_;
};

} // namespace caldera::studio
