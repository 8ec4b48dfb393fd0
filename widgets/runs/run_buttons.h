// Cancel, and Pause or Resume, of one job: each keeps its place and the keyboard's focus.
#pragma once

#include <QWidget>

#include "widgets/jobs/job_service.h"

class QPushButton;

namespace caldera::studio {

class RunButtons : public QWidget {
    Q_OBJECT
public:
    explicit RunButtons(QWidget* parent = nullptr);
    void show(const JobSummary& job);

Q_SIGNALS:
    void cancelRequested(const QString& id);
    void pauseRequested(const QString& id);
    void resumeRequested(const QString& id);

private:
    void steer();
    void showCancel();
    void showSteering();

    JobSummary job_;
    bool isCancelling_ = false; ///< asked for here; the job does not say so yet
    bool isPausing_ = false;
    QPushButton* cancel_;
    QPushButton* steer_; ///< one button, so that a second press never meets another action
};

} // namespace caldera::studio
