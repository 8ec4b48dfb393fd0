// The Runs mode: jobs on the left, the selected one on the right.
#pragma once

#include <QSet>
#include <QTimer>
#include <QWidget>

#include "widgets/jobs/job_service.h"

class QStackedWidget;
class QSplitter;
class QTableView;

namespace caldera::studio {

class EmptyState;
class JobDetails;
class JobsModel;
class NoticeBar;
class PodJobs;
class ToneLabel;

class RunsView : public QWidget {
    Q_OBJECT
public:
    /// `service` must outlive the view.
    explicit RunsView(JobService& service, QWidget* parent = nullptr);

    /// Tells what jobs on rented pods cost, too; `pods` must outlive the view.
    void showCosts(PodJobs& pods);
    /// Selects a job; one that is not there yet is selected when it comes.
    void selectJob(const QString& id);
    QString selectedJob() const { return selected_; }
    /// Moves a job to the wastebasket; asks first where its worker may be at work elsewhere.
    void remove(const QString& id);
    JobsModel* model() const { return model_; }
    JobDetails* details() const { return details_; }
    NoticeBar* notice() const { return notice_; }

Q_SIGNALS:
    /// "Open in Inspect" on an artifact folder, or on a report file.
    void openArtifactRequested(const QString& path);
    void openReportRequested(const QString& path);
    void chatRequested(const QString& path);
    /// Chat with the result of this job where it was made.
    void serveThereRequested(const QString& id);
    /// Evaluate the result of this job where it was made.
    void evaluateThereRequested(const QString& id);
    /// The empty state's action: go to the plan and compress.
    void compressRequested();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void buildTable();
    QWidget* buildSplitter();
    void connectAll();
    void fitColumns();
    void addJob(const QString& id);
    void touch(const QString& id);
    void refresh();
    void showSelected();
    void showMenu(const QPoint& position);
    void followSelection();
    void updatePage();

    void showSpent();

    JobService& service_;
    PodJobs* pods_ = nullptr;
    JobsModel* model_;
    QTableView* table_;
    QSplitter* splitter_ = nullptr;
    JobDetails* details_;
    EmptyState* empty_;
    NoticeBar* notice_;
    QStackedWidget* pages_;
    ToneLabel* spent_ = nullptr; ///< by all jobs
    QString selected_;
    QString wanted_; ///< to select when it comes
    QSet<QString> touched_;
    QTimer refresh_; ///< at most ten repaints a second
    QTimer clock_;
};

} // namespace caldera::studio
