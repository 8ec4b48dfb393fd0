#include "widgets/runs/runs_view.h"

#include <array>

#include <QAction>
#include <QClipboard>
#include <QDesktopServices>
#include <QGuiApplication>
#include <QHeaderView>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QTableView>
#include <QUrl>
#include <QVBoxLayout>

#include "widgets/remote/pod_jobs.h"
#include "widgets/runs/job_details.h"
#include "widgets/runs/job_row_delegate.h"
#include "widgets/runs/jobs_model.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/labels.h"
#include "widgets/support/notice_bar.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kRefreshInterval = 100; // ms
constexpr int kClockInterval = 1000;
constexpr int kStateWidth = 112;
constexpr int kProgressWidth = 100;
constexpr int kSpeedWidth = 84;
constexpr int kSpentWidth = 68;
constexpr int kCreatedWidth = 104; // "12 min ago"
constexpr int kMachineWidth = 104;
constexpr int kTitleWidth = 320; // a longer one may be cut before a column goes
constexpr int kTableWidth = 640;
constexpr int kNarrowTable = 360; // state, title and progress
constexpr int kDetailsWidth = 520;

/// What the longest title takes.
int titleWidth(const JobsModel& model, const QFontMetrics& metrics) {
    int width = 0;
    for (int row = 0; row < model.rowCount(); ++row) {
        const QString title = model.index(row, JobsModel::Title).data().toString();
        width = qMax(width, metrics.horizontalAdvance(title));
    }
    return width + 2 * kSpaceSmall;
}

} // namespace

RunsView::RunsView(JobService& service, QWidget* parent)
    : QWidget(parent), service_(service), model_(new JobsModel(this)), table_(new QTableView(this)),
      details_(new JobDetails(this)),
      empty_(new EmptyState(u"runs"_s, tr("No runs yet"),
                            tr("Compressing, measuring and evaluating happen here. A run goes on "
                               "when the studio is closed, and is found again."),
                            this)),
      notice_(new NoticeBar(this)), pages_(new QStackedWidget(this)) {
    buildTable();
    empty_->setActionText(tr("Plan a compression"));
    pages_->addWidget(empty_);
    pages_->addWidget(buildSplitter());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(notice_);
    layout->addWidget(pages_, 1);
    connectAll();
    for (const JobSummary& job : service_.jobs())
        addJob(job.id);
    updatePage();
}

QWidget* RunsView::buildSplitter() {
    splitter_ = new QSplitter(Qt::Horizontal, this);
    splitter_->setObjectName(u"runsSplitter"_s);
    auto* list = new QWidget(splitter_);
    spent_ = new ToneLabel({}, Token::Secondary, list);
    spent_->setContentsMargins(kSpaceMedium, kSpaceSmall, kSpaceMedium, kSpaceSmall);
    spent_->hide();
    auto* listLayout = new QVBoxLayout(list);
    listLayout->setContentsMargins(0, 0, 0, 0);
    listLayout->setSpacing(0);
    listLayout->addWidget(table_, 1);
    listLayout->addWidget(spent_);
    splitter_->addWidget(list);
    auto* panel = new Surface(Token::Panel, splitter_);
    auto* panelLayout = new QVBoxLayout(panel);
    panelLayout->setContentsMargins(0, 0, 0, 0);
    panelLayout->addWidget(details_);
    splitter_->addWidget(panel);
    splitter_->setChildrenCollapsible(false);
    splitter_->setStretchFactor(0, 1);
    splitter_->setStretchFactor(1, 1);
    splitter_->setSizes({kTableWidth, 720});
    list->setMinimumWidth(kNarrowTable);
    panel->setMinimumWidth(kDetailsWidth);
    table_->installEventFilter(this);
    return splitter_;
}

void RunsView::connectAll() {
    connect(&service_, &JobService::jobAdded, this, &RunsView::addJob);
    connect(&service_, &JobService::jobChanged, this, &RunsView::touch);
    connect(&service_, &JobService::jobEvent, this, [this](const QString& id) { touch(id); });
    connect(&service_, &JobService::jobRemoved, this, [this](const QString& id) {
        model_->remove(id);
        showSpent();
        updatePage();
    });
    connect(&service_, &JobService::requestFailed, this,
            [this](const QString&, const QString& sentence) { details_->showProblem(sentence); });
    connect(empty_, &EmptyState::triggered, this, &RunsView::compressRequested);
    connect(details_, &JobDetails::cancelRequested, &service_, &JobService::cancel);
    connect(details_, &JobDetails::pauseRequested, &service_, &JobService::pause);
    connect(details_, &JobDetails::resumeRequested, &service_, &JobService::resume);
    connect(details_, &JobDetails::openArtifactRequested, this, &RunsView::openArtifactRequested);
    connect(details_, &JobDetails::openReportRequested, this, &RunsView::openReportRequested);
    connect(details_, &JobDetails::chatRequested, this, &RunsView::chatRequested);
    connect(details_, &JobDetails::serveThereRequested, this, &RunsView::serveThereRequested);
    connect(&Theme::current(), &Theme::themeChanged, this, &RunsView::showSelected);
    refresh_.setSingleShot(true);
    connect(&refresh_, &QTimer::timeout, this, &RunsView::refresh);
    connect(&clock_, &QTimer::timeout, this, [this] {
        model_->refreshMoments();
        showSelected();
    });
    clock_.start(kClockInterval);
}

void RunsView::showCosts(PodJobs& pods) {
    pods_ = &pods;
    connect(pods_, &PodJobs::costChanged, this, &RunsView::touch);
    for (const JobSummary& job : service_.jobs())
        touch(job.id);
}

/// Where nothing was ever rented, nothing tells of money.
void RunsView::showSpent() {
    const std::optional<double> spent = model_->spent();
    fitColumns();
    spent_->setVisible(spent.has_value());
    if (spent)
        spent_->setText(tr("Spent on rented pods: %1 in all").arg(dollarText(*spent)));
}

void RunsView::buildTable() {
    table_->setModel(model_);
    table_->setItemDelegate(new JobRowDelegate(table_));
    table_->setAccessibleName(tr("Jobs"));
    table_->setSelectionBehavior(QAbstractItemView::SelectRows);
    table_->setSelectionMode(QAbstractItemView::SingleSelection);
    table_->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table_->setTabKeyNavigation(false);
    table_->setFrameShape(QFrame::NoFrame);
    table_->setShowGrid(false);
    table_->setWordWrap(false);
    table_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    table_->setContextMenuPolicy(Qt::CustomContextMenu);
    table_->verticalHeader()->hide();
    table_->verticalHeader()->setDefaultSectionSize(32);
    QHeaderView* header = table_->horizontalHeader();
    header->setHighlightSections(false);
    header->setMinimumSectionSize(48);
    header->setSectionResizeMode(QHeaderView::Interactive);
    header->setSectionResizeMode(JobsModel::Title, QHeaderView::Stretch);
    header->resizeSection(JobsModel::State, kStateWidth);
    header->resizeSection(JobsModel::Machine, kMachineWidth);
    header->resizeSection(JobsModel::ProgressColumn, kProgressWidth);
    header->resizeSection(JobsModel::Speed, kSpeedWidth);
    header->resizeSection(JobsModel::Spent, kSpentWidth);
    header->resizeSection(JobsModel::Created, kCreatedWidth);
    connect(table_, &QTableView::customContextMenuRequested, this, &RunsView::showMenu);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &RunsView::followSelection);
}

// What tells jobs apart and how far they are has its room first.
void RunsView::fitColumns() {
    struct Extra {
        JobsModel::Column column;
        int width;
        bool isOfUse;
    };
    const std::array extras = {Extra{JobsModel::Machine, kMachineWidth, model_->hasOtherMachines()},
                               Extra{JobsModel::Spent, kSpentWidth, model_->spent().has_value()},
                               Extra{JobsModel::Created, kCreatedWidth, true},
                               Extra{JobsModel::Speed, kSpeedWidth, true}};
    int room = table_->width() - kStateWidth - kProgressWidth -
               qMin(kTitleWidth, titleWidth(*model_, table_->fontMetrics()));
    for (const auto& [column, width, isOfUse] : extras) {
        const bool isShown = isOfUse && room >= width;
        room -= isShown ? width : 0;
        table_->setColumnHidden(column, !isShown);
    }
}

bool RunsView::eventFilter(QObject* watched, QEvent* event) {
    if (watched == table_ && event->type() == QEvent::Resize)
        fitColumns();
    return QWidget::eventFilter(watched, event);
}

void RunsView::addJob(const QString& id) {
    model_->put({service_.job(id), 0, 0});
    touch(id);
    updatePage();
    if (id == wanted_ || selected_.isEmpty())
        selectJob(id);
}

void RunsView::selectJob(const QString& id) {
    const int row = model_->rowOf(id);
    if (row < 0) {
        wanted_ = id;
        return;
    }
    wanted_.clear();
    table_->selectRow(row);
    table_->scrollTo(model_->index(row, 0));
}

void RunsView::followSelection() {
    selected_ = model_->idAt(table_->currentIndex().row());
    showSelected();
}

void RunsView::touch(const QString& id) {
    touched_.insert(id);
    if (!refresh_.isActive())
        refresh_.start(kRefreshInterval);
}

void RunsView::refresh() {
    const QSet<QString> touched = std::exchange(touched_, {});
    for (const QString& id : touched) {
        const JobSummary job = service_.job(id);
        if (job.id.isEmpty())
            continue;
        const JobHistory& history = service_.history(id);
        model_->put({job, job.active() ? history.cellsPerMinute() : 0, history.cells().size(),
                     pods_ ? pods_->cost(id) : std::nullopt});
    }
    showSpent();
    if (touched.contains(selected_))
        showSelected();
}

void RunsView::showSelected() {
    const JobSummary job = service_.job(selected_);
    details_->setVisible(!job.id.isEmpty());
    if (!job.id.isEmpty())
        details_->show(job, service_.history(selected_),
                       pods_ ? pods_->cost(selected_) : std::nullopt);
}

void RunsView::updatePage() {
    pages_->setCurrentIndex(model_->rowCount() > 0 ? 1 : 0);
}

void RunsView::showMenu(const QPoint& position) {
    const QModelIndex index = table_->indexAt(position);
    const JobSummary job = service_.job(model_->idAt(index.row()));
    if (job.id.isEmpty())
        return;
    QMenu menu(this);
    const QString id = job.id;
    if (job.canPause()) {
        menu.addAction(icon(u"pause"_s), tr("Pause"), &service_,
                       [this, id] { service_.pause(id); });
    }
    if (job.canBeResumed()) {
        menu.addAction(icon(u"play"_s), tr("Resume"), &service_,
                       [this, id] { service_.resume(id); });
    }
    if (job.canBeCancelled()) {
        menu.addAction(icon(u"stop"_s), tr("Cancel"), &service_,
                       [this, id] { service_.cancel(id); });
    }
    if (job.hasModelThere()) {
        menu.addAction(icon(u"chat"_s), tr("Chat on %1").arg(job.host), this,
                       [this, id] { Q_EMIT serveThereRequested(id); });
        menu.addAction(icon(u"chart"_s), tr("Evaluate on %1").arg(job.host), this,
                       [this, id] { Q_EMIT evaluateThereRequested(id); });
    }
    menu.addAction(icon(u"folder"_s), tr("Open Folder"), this,
                   [job] { QDesktopServices::openUrl(QUrl::fromLocalFile(job.folder)); });
    menu.addAction(icon(u"copy"_s), tr("Copy as Command"), this, [job] {
        QStringList words{u"caldera"_s};
        for (const QString& word : job.arguments)
            words.append(word.contains(u' ') ? u'\'' + word + u'\'' : word);
        QGuiApplication::clipboard()->setText(words.join(u' '));
    });
    if (!job.active()) {
        menu.addSeparator();
        menu.addAction(icon(u"trash"_s), tr("Move to Wastebasket"), this,
                       [this, id] { remove(id); });
    }
    menu.exec(table_->viewport()->mapToGlobal(position));
}

/// Without its folder here nobody could cancel a worker elsewhere any more.
void RunsView::remove(const QString& id) {
    const JobSummary job = service_.job(id);
    if (!job.mayRunThere()) {
        service_.remove(id);
        return;
    }
    auto* question = new QMessageBox(
        QMessageBox::Warning, tr("Move to Wastebasket"),
        tr("“%1” may still be at work on %2: it was not heard since the connection was lost. "
           "Without "
           "its folder it cannot be cancelled from here, and what it makes stays there.")
            .arg(job.title, job.host.isEmpty() ? tr("its machine") : job.host),
        QMessageBox::Cancel, this);
    question->setAttribute(Qt::WA_DeleteOnClose);
    question->setTextFormat(Qt::PlainText);
    question->button(QMessageBox::Cancel)->setText(tr("Keep it"));
    auto* cancel = question->addButton(tr("Cancel the run first"), QMessageBox::AcceptRole);
    auto* remove = question->addButton(tr("Remove it all the same"), QMessageBox::DestructiveRole);
    cancel->setToolTip(tr("It is told as soon as its machine answers; remove it after that"));
    question->setDefaultButton(cancel);
    connect(cancel, &QPushButton::clicked, &service_, [this, id] { service_.cancel(id); });
    connect(remove, &QPushButton::clicked, &service_, [this, id] { service_.remove(id); });
    question->open();
}

} // namespace caldera::studio
