#include "widgets/runs/job_details.h"

#include <QGridLayout>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "core/model/module.h"
#include "widgets/jobs/surprise.h"
#include "widgets/pods/pod_words.h"
#include "widgets/runs/cell_map.h"
#include "widgets/runs/job_log.h"
#include "widgets/runs/phase_look.h"
#include "widgets/runs/run_buttons.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kIconSize = 16;
constexpr int kBarSteps = 1000;
constexpr int kHashShown = 12;
constexpr int kHostWidth = 140; // of its name on a button
constexpr int kStagesWidth = 168;
constexpr qsizetype kSurprisesShown = 3;
constexpr qsizetype kSurprisesOnHover = 40;
constexpr qint64 kSilentSeconds = 60; // after this a quiet worker is worth a word

QString kindTitle(const QString& kind) {
    if (kind == "compress"_L1)
        return JobDetails::tr("Compress");
    if (kind == "fidelity"_L1)
        return JobDetails::tr("Measure fidelity");
    if (kind == "evaluate"_L1)
        return JobDetails::tr("Evaluate");
    if (kind == "blame"_L1)
        return JobDetails::tr("Blame");
    return stageTitle(kind);
}

/// A figure above its caption.
QWidget* figure(ToneLabel* value, const QString& caption, const QString& toolTip, QWidget* parent) {
    auto* box = new QWidget(parent);
    box->setToolTip(toolTip);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    value->setFont(Theme::current().numberFont(3));
    layout->addWidget(value);
    layout->addWidget(new ToneLabel(caption, Token::Secondary, box));
    return box;
}

} // namespace

JobDetails::JobDetails(QWidget* parent)
    : QWidget(parent), banner_(new ErrorBanner(this)), log_(new JobLog(this)) {
    auto* body = new QVBoxLayout;
    body->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    body->setSpacing(kSpaceLarge);
    body->addWidget(buildHeader());
    body->addWidget(buildResult());
    body->addWidget(buildFacts());
    body->addWidget(log_, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(banner_);
    layout->addLayout(body, 1);
}

QWidget* JobDetails::buildHeader() {
    auto* box = new QWidget(this);
    title_ = new ElidedLabel({}, box);
    title_->setFont(Theme::current().textFont(5, QFont::DemiBold));
    stateIcon_ = new QLabel(box);
    state_ = new ToneLabel({}, Token::Secondary, box);
    facts_ = new ElidedLabel({}, box);
    facts_->setTone(Token::Secondary);
    cost_ = new ToneLabel({}, Token::Secondary, box);
    cost_->setWordWrap(true);
    cost_->setObjectName(u"podCost"_s);
    buttons_ = new RunButtons(box);

    auto* stateLine = new QHBoxLayout;
    stateLine->setSpacing(kSpaceTiny);
    stateLine->addWidget(stateIcon_);
    stateLine->addWidget(state_);
    stateLine->addSpacing(kSpaceSmall);
    stateLine->addWidget(facts_, 1);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(kSpaceTiny);
    texts->addWidget(title_);
    texts->addLayout(stateLine);
    auto* top = new QHBoxLayout;
    top->setSpacing(kSpaceSmall);
    top->addLayout(texts, 1);
    top->addWidget(buttons_, 0, Qt::AlignTop);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addLayout(top);
    layout->addWidget(cost_);
    layout->addWidget(buildProgress());

    connect(buttons_, &RunButtons::cancelRequested, this, &JobDetails::cancelRequested);
    connect(buttons_, &RunButtons::pauseRequested, this, &JobDetails::pauseRequested);
    connect(buttons_, &RunButtons::resumeRequested, this, &JobDetails::resumeRequested);
    return box;
}

QWidget* JobDetails::buildProgress() {
    progress_ = new QWidget(this);
    bar_ = new QProgressBar(progress_);
    bar_->setTextVisible(false);
    bar_->setFixedHeight(6);
    bar_->setAccessibleName(tr("Progress of the stage"));
    progressText_ = new ToneLabel({}, Token::Text, progress_);
    eta_ = new ToneLabel({}, Token::Secondary, progress_);
    eta_->setAlignment(Qt::AlignRight);
    auto* layout = new QGridLayout(progress_);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setVerticalSpacing(kSpaceTiny);
    layout->addWidget(progressText_, 0, 0);
    layout->addWidget(eta_, 0, 1);
    layout->addWidget(bar_, 1, 0, 1, 2);
    return progress_;
}

QWidget* JobDetails::buildResult() {
    result_ = new Surface(Token::Raised, this);
    result_->setRounded(true);
    resultIcon_ = new QLabel(result_);
    artifactPath_ = new ElidedLabel({}, result_);
    artifactHash_ = new ToneLabel({}, Token::Secondary, result_);
    artifactHash_->setFont(Theme::current().numberFont(-1));
    artifactHash_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* inspect = new QPushButton(icon(u"inspect"_s), tr("Open in Inspect"), result_);
    auto* chat = new QPushButton(tr("Chat"), result_);
    chat->setDefault(true);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(0);
    texts->addWidget(artifactPath_);
    texts->addWidget(artifactHash_);
    auto* layout = new QHBoxLayout(result_);
    layout->setContentsMargins(kSpaceMedium, kSpaceSmall, kSpaceMedium, kSpaceSmall);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(resultIcon_);
    layout->addLayout(texts, 1);
    chatThere_ = new QPushButton(icon(u"chat"_s), {}, result_);
    chatThere_->setToolTip(tr("Load it on the machine where it was made, and chat with it there"));
    connect(chatThere_, &QPushButton::clicked, this,
            [this] { Q_EMIT serveThereRequested(job_.id); });
    layout->addWidget(inspect);
    layout->addWidget(chatThere_);
    layout->addWidget(chat);
    connect(inspect, &QPushButton::clicked, this, [this] {
        const bool isReport = artifact_.endsWith(".h5"_L1);
        Q_EMIT isReport ? openReportRequested(artifact_) : openArtifactRequested(artifact_);
    });
    connect(chat, &QPushButton::clicked, this, [this] { Q_EMIT chatRequested(artifact_); });
    chat->setObjectName(u"chatWithResult"_s);
    inspect->setObjectName(u"inspectResult"_s);
    return result_;
}

QWidget* JobDetails::buildFacts() {
    auto* box = new QWidget(this);
    stagesBox_ = new QWidget(box);
    auto* stagesLayout = new QVBoxLayout(stagesBox_);
    stagesLayout->setContentsMargins(0, 0, 0, 0);
    stagesLayout->setSpacing(kSpaceSmall);
    stagesLayout->addWidget(sectionLabel(tr("Stages"), stagesBox_));
    stages_ = new QGridLayout;
    stages_->setHorizontalSpacing(kSpaceSmall);
    stages_->setVerticalSpacing(kSpaceTiny);
    stages_->setColumnStretch(1, 1);
    stagesLayout->addLayout(stages_);
    stagesLayout->addStretch(1);

    cellsBox_ = new QWidget(box);
    cellCount_ = numberLabel({}, cellsBox_);
    meanError_ = numberLabel({}, cellsBox_);
    speed_ = numberLabel({}, cellsBox_);
    map_ = new CellMap(cellsBox_);
    line_ = new SpeedLine(cellsBox_);
    auto* figures = new QHBoxLayout;
    figures->setSpacing(kSpaceHuge);
    figures->addWidget(figure(cellCount_, tr("cells"), tr("Finished cells"), cellsBox_));
    figures->addWidget(figure(
        meanError_, tr("mean"),
        tr("Mean over the finished cells: of relative errors, or of what is measured"), cellsBox_));
    figures->addWidget(figure(speed_, tr("cells/min"), tr("Cells a minute, lately"), cellsBox_));
    figures->addWidget(line_, 1, Qt::AlignBottom);
    auto* cellsLayout = new QVBoxLayout(cellsBox_);
    cellsLayout->setContentsMargins(0, 0, 0, 0);
    cellsLayout->setSpacing(kSpaceSmall);
    cellsLayout->addWidget(sectionLabel(tr("Cells"), cellsBox_));
    cellsLayout->addLayout(figures);
    cellsLayout->addWidget(map_);
    surprises_ = new ToneLabel({}, Token::Secondary, cellsBox_);
    surprises_->setWordWrap(true);
    surprises_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    cellsLayout->addWidget(surprises_);
    cellsLayout->addStretch(1);

    auto* layout = new QHBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceHuge);
    stagesBox_->setMinimumWidth(kStagesWidth);
    layout->addWidget(stagesBox_, 2);
    cellsEdge_ = new Separator(Qt::Vertical, box);
    layout->addWidget(cellsEdge_);
    layout->addWidget(cellsBox_, 5);
    return box;
}

void JobDetails::show(const JobSummary& job, const JobHistory& history,
                      const std::optional<PodCost>& cost) {
    if (job.id != job_.id) {
        banner_->clear();
        shownCause_.clear();
    }
    job_ = job;
    showHeader();
    showCost(cost);
    showProgress(history);
    showFailure(history);
    showResult(history);
    showStages(history);
    showCells(history);
    log_->show(job.id, history);
}

void JobDetails::showProblem(const QString& sentence) {
    banner_->showFailure({sentence, {}});
}

void JobDetails::showHeader() {
    const PhaseLook look = phaseLook(job_.phase);
    title_->setText(job_.title);
    state_->setText(look.word);
    state_->setTone(look.tone);
    stateIcon_->setPixmap(
        iconPixmap(look.icon, Theme::current().color(look.tone), kIconSize, devicePixelRatioF()));
    const QString created = QLocale().toString(job_.created.toLocalTime(), QLocale::ShortFormat);
    const QString kind = job_.host.isEmpty() ? kindTitle(job_.kind)
                                             : tr("%1 on %2").arg(kindTitle(job_.kind), job_.host);
    facts_->setText(tr("%1, created %2").arg(kind, created));
    buttons_->show(job_);
}

void JobDetails::showCost(const std::optional<PodCost>& cost) {
    cost_->setVisible(cost.has_value());
    if (!cost)
        return;
    cost_->setText(costLine(*cost));
    cost_->setToolTip(costToolTip(*cost));
    cost_->setTone(cost->hourly > 0 ? Token::Warn : Token::Secondary); // it costs at this moment
}

void JobDetails::showProgress(const JobHistory& history) {
    progress_->setVisible(job_.active());
    if (!job_.active())
        return;
    const bool known = history.total() > 0 || job_.fraction > 0;
    bar_->setRange(0, known ? kBarSteps : 0);
    bar_->setValue(static_cast<int>(job_.fraction * kBarSteps));
    const bool isConnecting = job_.phase == "connecting"_L1;
    QString text =
        job_.stage.isEmpty() || isConnecting ? phaseLook(job_.phase).word : stageTitle(job_.stage);
    if (history.total() > 0 && !isConnecting)
        text = tr("%1: %2 of %3").arg(text, countText(history.done()), countText(history.total()));
    progressText_->setText(text);
    const qint64 silent = history.lastTime().secsTo(QDateTime::currentDateTimeUtc());
    if (history.lastTime().isValid() && silent > kSilentSeconds && !isConnecting)
        eta_->setText(tr("no word for %1").arg(spanText(static_cast<double>(silent))));
    else if (job_.etaSeconds >= 0)
        eta_->setText(tr("%1 left").arg(spanText(job_.etaSeconds)));
    else
        eta_->clear();
}

void JobDetails::showFailure(const JobHistory& history) {
    const QString sentence = phaseSentence(job_);
    // What was dismissed or folded out stays so while the seconds to the next attempt go down.
    const QString cause = sentence.isEmpty()
                              ? QString()
                              : job_.phase + job_.message + QString::number(job_.isCancelling);
    if (cause == shownCause_) {
        banner_->setSentence(sentence);
        return;
    }
    shownCause_ = cause;
    if (sentence.isEmpty()) {
        banner_->clear();
        return;
    }
    QStringList lines;
    const QList<JobLogLine>& log = history.log();
    for (const JobLogLine& line : log.mid(qMax<qsizetype>(0, log.size() - 20)))
        lines.append(line.text);
    lines.append(job_.folder);
    banner_->showFailure({sentence, job_.code}, lines.join(u'\n'));
}

void JobDetails::showResult(const JobHistory& history) {
    artifact_ = job_.phase == "done"_L1 ? history.artifact() : QString();
    result_->setVisible(!artifact_.isEmpty());
    const bool isReport = artifact_.endsWith(".h5"_L1);
    result_->findChild<QPushButton*>(u"chatWithResult"_s)->setVisible(!isReport);
    chatThere_->setVisible(job_.hasModelThere());
    chatThere_->setText(
        tr("Chat on %1").arg(fontMetrics().elidedText(job_.host, Qt::ElideMiddle, kHostWidth)));
    resultIcon_->setPixmap(iconPixmap(u"artifact"_s, Theme::current().color(Token::Secondary), 20,
                                      devicePixelRatioF()));
    artifactPath_->setText(artifact_);
    artifactHash_->setVisible(!history.artifactHash().isEmpty());
    artifactHash_->setText(tr("hash %1").arg(history.artifactHash().left(kHashShown)));
    artifactHash_->setToolTip(history.artifactHash());
}

void JobDetails::showCells(const JobHistory& history) {
    const bool any = !history.cells().isEmpty();
    cellsBox_->setVisible(any);
    cellsEdge_->setVisible(any);
    if (!any)
        return;
    cellCount_->setText(countText(history.cells().size()));
    meanError_->setText(figureText(history.meanRelativeError()));
    const double speed = history.cellsPerMinute();
    speed_->setText(speed > 0 ? figureText(speed) : u"–"_s);
    const auto modules = static_cast<qint64>(kModules.size());
    const qint64 layers = history.total() / modules;
    const bool whole = history.total() % modules == 0 && layers >= 0 &&
                       layers <= JobHistory::kMostLayers; // a stage over all cells
    map_->setCells(history.cells(), history.metric(), whole ? static_cast<int>(layers) : 0);
    line_->setCells(history.cells());
    showSurprises(history);
}

/// The farthest first; all of them on hover.
void JobDetails::showSurprises(const JobHistory& history) {
    QStringList lines;
    for (const JobCell& cell : surprisesOf(history))
        lines.append(tr("Layer %1, %2: %3").arg(cell.layer).arg(cell.module, surpriseText(cell)));
    surprises_->setVisible(!lines.isEmpty());
    surprises_->setToolTip(lines.mid(0, kSurprisesOnHover).join(u'\n'));
    if (lines.isEmpty())
        return;
    const QString title =
        tr("%n cell(s) did not end as measured before:", nullptr, static_cast<int>(lines.size()));
    const qsizetype more = lines.size() - kSurprisesShown;
    QString text = title + u'\n' + lines.mid(0, kSurprisesShown).join(u'\n');
    if (more > 0)
        text += u'\n' + tr("and %1 more").arg(more);
    surprises_->setText(text);
}

} // namespace caldera::studio
