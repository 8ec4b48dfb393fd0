// The stages of a job, one a line: how each went and how long it took.
#include "widgets/runs/job_details.h"

#include <QGridLayout>
#include <QLabel>

#include "widgets/runs/phase_look.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {
constexpr int kIconSize = 16;
}

void JobDetails::showStages(const JobHistory& history) {
    const QList<JobStage>& stages = history.stages();
    stagesBox_->setVisible(!stages.isEmpty());
    const qsizetype known = stageWidgets_.size() / 3;
    for (qsizetype row = known; row < stages.size(); ++row) {
        auto* picture = new QLabel(stagesBox_);
        picture->setFixedSize(kIconSize, kIconSize);
        auto* name = new ElidedLabel({}, stagesBox_);
        auto* time = new ToneLabel({}, Token::Secondary, stagesBox_);
        time->setFont(Theme::current().numberFont());
        stageWidgets_ += {picture, name, time};
        const int line = static_cast<int>(row);
        stages_->addWidget(picture, line, 0);
        stages_->addWidget(name, line, 1);
        stages_->addWidget(time, line, 2, Qt::AlignRight);
    }
    for (qsizetype row = stageWidgets_.size() / 3; row > stages.size(); --row) {
        for (int part = 0; part < 3; ++part)
            delete stageWidgets_.takeLast();
    }
    for (qsizetype row = 0; row < stages.size(); ++row) {
        const JobStage& stage = stages[row];
        const bool runs = stage.phase.isEmpty();
        // The stage at which a job waits, or ended without a word, shows what became of the job.
        const bool isJobs = runs && (!job_.active() || job_.phase == "paused"_L1);
        const PhaseLook look = phaseLook(isJobs ? job_.phase : runs ? u"running"_s : stage.phase);
        static_cast<QLabel*>(stageWidgets_[row * 3])
            ->setPixmap(iconPixmap(look.icon, Theme::current().color(look.tone), kIconSize,
                                   devicePixelRatioF()));
        static_cast<ElidedLabel*>(stageWidgets_[row * 3 + 1])->setText(stageTitle(stage.name));
        const QDateTime end = !runs           ? stage.ended
                              : job_.active() ? QDateTime::currentDateTimeUtc()
                                              : history.lastTime();
        const qint64 seconds = stage.started.secsTo(end);
        static_cast<ToneLabel*>(stageWidgets_[row * 3 + 2])
            ->setText(seconds < 1 ? tr("< 1 s") : spanText(static_cast<double>(seconds)));
    }
}

} // namespace caldera::studio
