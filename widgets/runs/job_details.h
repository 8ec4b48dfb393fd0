// One job: stages, progress, cells, result, failure, log.
#pragma once

#include <QWidget>

#include <optional>

#include "widgets/jobs/job_service.h"
#include "widgets/remote/pod_jobs.h"

class QGridLayout;
class QLabel;
class QProgressBar;
class QPushButton;

namespace caldera::studio {

class CellMap;
class ElidedLabel;
class ErrorBanner;
class JobLog;
class RunButtons;
class SpeedLine;
class Surface;
class ToneLabel;

class JobDetails : public QWidget {
    Q_OBJECT
public:
    explicit JobDetails(QWidget* parent = nullptr);

    /// `cost`: of a job on a rented pod.
    void show(const JobSummary& job, const JobHistory& history,
              const std::optional<PodCost>& cost = {});
    /// A request about this job failed.
    void showProblem(const QString& sentence);
    JobLog* log() const { return log_; }
    /// The cells that did not end as their plan was measured to.
    ToneLabel* surprises() const { return surprises_; }

Q_SIGNALS:
    void cancelRequested(const QString& id);
    void pauseRequested(const QString& id);
    void resumeRequested(const QString& id);
    void openArtifactRequested(const QString& path);
    void openReportRequested(const QString& path);
    void chatRequested(const QString& path);
    /// Chat with the result of this job where it was made.
    void serveThereRequested(const QString& id);

private:
    QWidget* buildHeader();
    QWidget* buildProgress();
    QWidget* buildResult();
    QWidget* buildFacts();
    void showHeader();
    void showCost(const std::optional<PodCost>& cost);
    void showProgress(const JobHistory& history);
    void showFailure(const JobHistory& history);
    void showResult(const JobHistory& history);
    void showStages(const JobHistory& history);
    void showCells(const JobHistory& history);
    void showSurprises(const JobHistory& history);

    JobSummary job_;
    QString artifact_;
    QString shownCause_; ///< of the failure in the banner

    ErrorBanner* banner_;
    ElidedLabel* title_ = nullptr;
    QLabel* stateIcon_ = nullptr;
    ToneLabel* state_ = nullptr;
    ElidedLabel* facts_ = nullptr;
    ToneLabel* cost_ = nullptr;
    RunButtons* buttons_ = nullptr;
    QProgressBar* bar_ = nullptr;
    ToneLabel* progressText_ = nullptr;
    ToneLabel* eta_ = nullptr;
    QWidget* progress_ = nullptr;
    Surface* result_ = nullptr;
    QLabel* resultIcon_ = nullptr;
    ElidedLabel* artifactPath_ = nullptr;
    ToneLabel* artifactHash_ = nullptr;
    QPushButton* chatThere_ = nullptr;
    QWidget* stagesBox_ = nullptr;
    QGridLayout* stages_ = nullptr;
    QWidget* cellsBox_ = nullptr;
    QWidget* cellsEdge_ = nullptr; ///< between stages and cells
    ToneLabel* cellCount_ = nullptr;
    ToneLabel* meanError_ = nullptr;
    ToneLabel* speed_ = nullptr;
    CellMap* map_ = nullptr;
    ToneLabel* surprises_ = nullptr;
    SpeedLine* line_ = nullptr;
    QList<QWidget*> stageWidgets_;
    JobLog* log_;
};

} // namespace caldera::studio
