// One job: stages, progress, cells, result, failure, log.
#pragma once

#include <QWidget>

#include "widgets/jobs/job_service.h"

class QGridLayout;
class QLabel;
class QProgressBar;
class QPushButton;

namespace caldera::studio {

class CellMap;
class ElidedLabel;
class ErrorBanner;
class JobLog;
class SpeedLine;
class Surface;
class ToneLabel;

class JobDetails : public QWidget {
    Q_OBJECT
public:
    explicit JobDetails(QWidget* parent = nullptr);

    void show(const JobSummary& job, const JobHistory& history);
    /// A request about this job failed.
    void showProblem(const QString& sentence);
    JobLog* log() const { return log_; }

Q_SIGNALS:
    void cancelRequested(const QString& id);
    void resumeRequested(const QString& id);
    void openArtifactRequested(const QString& path);
    void openReportRequested(const QString& path);
    void chatRequested(const QString& path);

private:
    QWidget* buildHeader();
    QWidget* buildResult();
    QWidget* buildFacts();
    void showHeader();
    void showProgress(const JobHistory& history);
    void showFailure(const JobHistory& history);
    void showResult(const JobHistory& history);
    void showStages(const JobHistory& history);
    void showCells(const JobHistory& history);

    JobSummary job_;
    QString artifact_;
    QString shownFailure_;

    ErrorBanner* banner_;
    ElidedLabel* title_;
    QLabel* stateIcon_;
    ToneLabel* state_;
    ElidedLabel* facts_;
    QPushButton* cancel_;
    QPushButton* resume_;
    QProgressBar* bar_;
    ToneLabel* progressText_;
    ToneLabel* eta_;
    QWidget* progress_;
    Surface* result_;
    QLabel* resultIcon_;
    ElidedLabel* artifactPath_;
    ToneLabel* artifactHash_;
    QWidget* stagesBox_;
    QGridLayout* stages_;
    QWidget* cellsBox_;
    ToneLabel* cellCount_;
    ToneLabel* meanError_;
    ToneLabel* speed_;
    CellMap* map_;
    SpeedLine* line_;
    QList<QWidget*> stageWidgets_;
    JobLog* log_;
};

} // namespace caldera::studio
