#include "widgets/runs/run_buttons.h"

#include <QHBoxLayout>
#include <QPushButton>

#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

/// As wide as the longest of the texts that it will have.
void reserveWidth(QPushButton& button, const QStringList& texts) {
    int width = 0;
    for (const QString& text : texts) {
        button.setText(text);
        width = qMax(width, button.sizeHint().width());
    }
    button.setMinimumWidth(width);
}

} // namespace

RunButtons::RunButtons(QWidget* parent)
    : QWidget(parent), cancel_(new QPushButton(icon(u"stop"_s), {}, this)),
      steer_(new QPushButton(icon(u"play"_s), {}, this)) {
    cancel_->setToolTip(tr("Stop the worker; what is finished is kept"));
    reserveWidth(*cancel_, {tr("Cancelling…"), tr("Cancel")});
    reserveWidth(*steer_, {tr("Pausing…"), tr("Pause"), tr("Resume")});
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(cancel_);
    layout->addWidget(steer_);
    connect(cancel_, &QPushButton::clicked, this, [this] {
        isCancelling_ = true;
        showCancel();
        Q_EMIT cancelRequested(job_.id);
    });
    connect(steer_, &QPushButton::clicked, this, &RunButtons::steer);
}

void RunButtons::show(const JobSummary& job) {
    const bool isOther = job.id != job_.id;
    isCancelling_ = isCancelling_ && !isOther && job.canBeCancelled();
    isPausing_ = isPausing_ && !isOther && job.canPause();
    job_ = job;
    showCancel();
    showSteering();
}

void RunButtons::steer() {
    if (job_.canBeResumed()) {
        Q_EMIT resumeRequested(job_.id);
    } else if (!isPausing_) {
        isPausing_ = true;
        showSteering();
        Q_EMIT pauseRequested(job_.id);
    }
}

void RunButtons::showCancel() {
    cancel_->setVisible(job_.canBeCancelled());
    cancel_->setText(isCancelling_ || job_.isCancelling ? tr("Cancelling…") : tr("Cancel"));
}

/// What cannot be pressed now stays where it is: the next press would meet its neighbour else.
void RunButtons::showSteering() {
    const bool resumes = job_.canBeResumed();
    steer_->setVisible(resumes || job_.active());
    steer_->setEnabled(resumes || job_.canPause());
    steer_->setIcon(icon(resumes ? u"play"_s : u"pause"_s));
    steer_->setText(resumes ? tr("Resume") : isPausing_ ? tr("Pausing…") : tr("Pause"));
    steer_->setToolTip(job_.phase == "paused"_L1 ? tr("Let the worker go on")
                       : job_.mayRunThere()      ? tr("Try at once to reach the machine")
                       : resumes ? tr("Start the worker again; finished cells are reused")
                       : job_.kind == "serve"_L1
                           ? tr("A server has no steps, so it does not pause")
                           : tr("Let the worker wait at its next step; it keeps its memory"));
}

} // namespace caldera::studio
