#include "app/studio/job_line.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QProgressBar>
#include <QToolButton>

#include "widgets/jobs/job_service.h"
#include "widgets/runs/phase_look.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kHeight = 32;
constexpr int kBarWidth = 160;
constexpr int kRefresh = 100; ///< milliseconds
constexpr int kSteps = 1000;  ///< of the bar
} // namespace

JobLine::JobLine(JobService& service, QWidget* parent)
    : QWidget(parent), service_(service), title_(new ElidedLabel({}, this)),
      stage_(new ToneLabel(QString(), Token::Secondary, this)), bar_(new QProgressBar(this)),
      percent_(numberLabel(QString(), this)),
      eta_(new ToneLabel(QString(), Token::Secondary, this)), cancel_(new QToolButton(this)),
      context_(new ElidedLabel({}, this)) {
    setObjectName(u"jobLine"_s);
    setFixedHeight(kHeight);
    bar_->setTextVisible(false);
    bar_->setFixedWidth(kBarWidth);
    bar_->setRange(0, kSteps);
    bar_->setAccessibleName(tr("Progress of the run"));
    cancel_->setIcon(icon(u"close"_s));
    cancel_->setAutoRaise(true);
    cancel_->setFixedSize(24, 24);
    cancel_->setToolTip(tr("Cancel the run; what is finished stays"));
    cancel_->setAccessibleName(tr("Cancel the run"));
    context_->setTone(Token::Secondary);
    percent_->setTextInteractionFlags(Qt::NoTextInteraction);

    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(kSpaceLarge, 1, kSpaceLarge, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(title_);
    layout->addWidget(stage_);
    layout->addWidget(bar_);
    layout->addWidget(percent_);
    layout->addWidget(eta_);
    layout->addWidget(cancel_);
    layout->addStretch(1);
    layout->addWidget(context_);

    timer_.setSingleShot(true);
    timer_.setInterval(kRefresh);
    connect(&timer_, &QTimer::timeout, this, &JobLine::refresh);
    const auto later = [this] {
        if (!timer_.isActive()) {
            timer_.start();
        }
    };
    connect(&service_, &JobService::jobAdded, this, later);
    connect(&service_, &JobService::jobChanged, this, later);
    connect(&service_, &JobService::jobRemoved, this, later);
    connect(cancel_, &QToolButton::clicked, this, [this] { service_.cancel(shown_); });
    showIdle();
}

void JobLine::setContext(const QString& text) {
    context_->setText(text);
}

void JobLine::setActivity(const QString& text) {
    activity_ = text;
    refresh();
}

void JobLine::refresh() {
    const QList<JobSummary> running = service_.running();
    if (running.isEmpty()) {
        showIdle();
        return;
    }
    const JobSummary& job = running.first();
    shown_ = job.id;
    setCursor(Qt::PointingHandCursor);
    title_->setTone(Token::Text);
    title_->setText(job.title);
    const bool hasStage = !job.stage.isEmpty() && job.phase != "connecting"_L1;
    QString stage = hasStage ? stageTitle(job.stage) : phaseLook(job.phase).word;
    if (running.size() > 1) {
        stage += tr(", %1 more").arg(running.size() - 1);
    }
    stage_->setText(stage);
    bar_->setValue(qRound(job.fraction * kSteps));
    percent_->setText(tr("%1 %").arg(qFloor(job.fraction * 100)));
    eta_->setText(job.etaSeconds >= 0 ? tr("%1 left").arg(spanText(job.etaSeconds)) : QString());
    for (QWidget* part : {static_cast<QWidget*>(stage_), static_cast<QWidget*>(bar_),
                          static_cast<QWidget*>(percent_), static_cast<QWidget*>(eta_),
                          static_cast<QWidget*>(cancel_)}) {
        part->show();
    }
}

void JobLine::showIdle() {
    shown_.clear();
    unsetCursor();
    title_->setTone(Token::Secondary);
    title_->setText(activity_.isEmpty() ? tr("No run at work") : activity_);
    for (QWidget* part : {static_cast<QWidget*>(stage_), static_cast<QWidget*>(bar_),
                          static_cast<QWidget*>(percent_), static_cast<QWidget*>(eta_),
                          static_cast<QWidget*>(cancel_)}) {
        part->hide();
    }
}

void JobLine::mouseReleaseEvent(QMouseEvent*) {
    if (!shown_.isEmpty()) {
        Q_EMIT jobClicked(shown_);
    }
}

void JobLine::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.fillRect(rect(), theme.color(Token::Window));
    painter.fillRect(QRect(0, 0, width(), 1), theme.color(Token::Line));
}

} // namespace caldera::studio
