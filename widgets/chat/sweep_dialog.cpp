#include "widgets/chat/sweep_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QJsonDocument>
#include <QLineEdit>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QRegularExpression>
#include <QSettings>
#include <QSpinBox>
#include <QVBoxLayout>
#include <QtConcurrent>

#include <utility>

#include "widgets/chat/sweep_table.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kLongestPrompt = 1 << 20;
constexpr int kMostChats = 64; ///< of `caldera bench chats`
constexpr int kFewestTokens = 8;
constexpr int kMostTokens = 1 << 16;
constexpr auto kPromptsKey = "sweep/prompts"_L1;
constexpr auto kChatsKey = "sweep/chats"_L1;
constexpr auto kTokensKey = "sweep/tokens"_L1;
constexpr qsizetype kMessagesKept = 16 << 10;

QString runName(const SweepRun& run) {
    return run.model + u", "_s + QLocale().toString(run.time.toLocalTime(), QLocale::ShortFormat);
}

} // namespace

SweepDialog::SweepDialog(QString artifact, QString worker, QString history, QWidget* parent)
    : QDialog(parent), artifact_(std::move(artifact)), worker_(std::move(worker)),
      history_(std::move(history)), banner_(new ErrorBanner(this)),
      facts_(new ToneLabel({}, Token::Secondary, this)), baseline_(new QComboBox(this)),
      verdict_(new ToneLabel({}, Token::Text, this)), table_(new SweepTable(this)),
      progress_(new QProgressBar(this)), measure_(new QPushButton(this)),
      export_(new QPushButton(icon(u"export"_s), tr("Export…"), this)) {
    setWindowTitle(tr("Speed of answers"));
    resize(940, 480);
    layOut();
    connect(measure_, &QPushButton::clicked, this, [this] { isMeasuring() ? stop() : measure(); });
    connect(export_, &QPushButton::clicked, table_, &Table::exportCsv);
    connect(baseline_, &QComboBox::activated, this, &SweepDialog::fill);
    QtConcurrent::run([file = history_] {
        return readSweeps(file);
    }).then(this, [this](const QList<SweepRun>& runs) { takeRuns(runs); });
    showState();
}

void SweepDialog::layOut() {
    baseline_->setAccessibleName(tr("Compare with"));
    facts_->setWordWrap(true);
    verdict_->setWordWrap(true);
    progress_->setTextVisible(false);
    progress_->setFixedHeight(4);
    progress_->setAccessibleName(tr("Progress of the measurement"));
    export_->setToolTip(tr("What was measured as comma-separated values"));
    auto* caption = new ToneLabel(tr("Compare with"), Token::Secondary, this);
    caption->setBuddy(baseline_);
    auto* top = new QHBoxLayout;
    top->addWidget(caption);
    top->addWidget(baseline_, 1);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    buttons->addButton(export_, QDialogButtonBox::ActionRole);
    buttons->addButton(measure_, QDialogButtonBox::ActionRole);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(banner_);
    layout->addLayout(top);
    layout->addWidget(facts_);
    layout->addWidget(verdict_);
    layout->addWidget(table_, 1);
    layout->addWidget(makePlan());
    layout->addWidget(progress_);
    layout->addWidget(buttons);
}

QWidget* SweepDialog::makePlan() {
    auto* box = new QWidget(this);
    const SweepPlan usual;
    const QSettings settings;
    prompts_ =
        new QLineEdit(settings.value(kPromptsKey, countsText(usual.prompts)).toString(), box);
    prompts_->setAccessibleName(tr("Tokens of the prompts"));
    prompts_->setToolTip(tr("Lengths of prompts, each measured: 128, 512, 4096"));
    chats_ = new QLineEdit(settings.value(kChatsKey, countsText(usual.chats)).toString(), box);
    chats_->setAccessibleName(tr("Chats at once"));
    chats_->setToolTip(tr("How many chats are answered at once, each measured: 1, 4, 8"));
    tokens_ = new QSpinBox(box);
    tokens_->setRange(kFewestTokens, kMostTokens);
    tokens_->setValue(settings.value(kTokensKey, usual.tokens).toInt());
    tokens_->setAccessibleName(tr("Tokens of each answer"));
    planFacts_ = new ToneLabel({}, Token::Secondary, box);
    planFacts_->setWordWrap(true);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    for (const auto& [text, field] : {std::pair<QString, QWidget*>{tr("Prompts"), prompts_},
                                      {tr("Chats at once"), chats_},
                                      {tr("Tokens an answer"), tokens_}}) {
        auto* caption = new ToneLabel(text, Token::Secondary, box);
        caption->setBuddy(field);
        line->addWidget(caption);
        line->addWidget(field, 1);
    }
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addLayout(line);
    layout->addWidget(planFacts_);
    connect(prompts_, &QLineEdit::textChanged, this, &SweepDialog::showState);
    connect(chats_, &QLineEdit::textChanged, this, &SweepDialog::showState);
    connect(tokens_, &QSpinBox::valueChanged, this, &SweepDialog::showState);
    return box;
}

std::optional<SweepPlan> SweepDialog::plan() const {
    const auto prompts = countsOf(prompts_->text(), kLongestPrompt);
    const auto chats = countsOf(chats_->text(), kMostChats);
    return prompts && chats ? std::optional(SweepPlan{*prompts, *chats, tokens_->value()})
                            : std::nullopt;
}

void SweepDialog::showPlan() {
    const std::optional<SweepPlan> chosen = plan();
    if (!chosen) {
        planFacts_->setText(tr("Prompts are whole numbers of 1 to %1, chats of 1 to %2, with "
                               "commas between them.")
                                .arg(kLongestPrompt)
                                .arg(kMostChats));
        return;
    }
    const auto points = static_cast<int>(chosen->prompts.size() * chosen->chats.size());
    const auto seconds = shown() != nullptr ? chosen->seconds(*shown()) : std::nullopt;
    planFacts_->setText(
        seconds ? tr("%n point(s), about %1 by the last measurement, and the time to load.",
                     nullptr, points)
                      .arg(spanText(*seconds))
                : tr("%n point(s); how long that takes is known after the first measurement.",
                     nullptr, points));
}

SweepDialog::~SweepDialog() {
    blockSignals(true); // who listens may be half gone
    stop();
}

void SweepDialog::measure() {
    const std::optional<SweepPlan> chosen = plan();
    if (!chosen) {
        return;
    }
    QSettings settings;
    settings.setValue(kPromptsKey, countsText(chosen->prompts));
    settings.setValue(kChatsKey, countsText(chosen->chats));
    settings.setValue(kTokensKey, chosen->tokens);
    banner_->clear();
    messages_.clear();
    awaitsRoom_ = true;
    showState();
    Q_EMIT roomNeeded();
}

void SweepDialog::begin() {
    const std::optional<SweepPlan> chosen = plan();
    if (!std::exchange(awaitsRoom_, false) || !chosen) {
        return; // stopped meanwhile
    }
    process_ = new QProcess(this);
    connect(process_, &QProcess::finished, this, &SweepDialog::takeEnd);
    connect(process_, &QProcess::readyReadStandardError, this, [this] {
        messages_ = (messages_ + process_->readAllStandardError()).right(kMessagesKept);
        showState();
    });
    connect(process_, &QProcess::errorOccurred, this, [this](QProcess::ProcessError what) {
        if (what != QProcess::FailedToStart)
            return;
        banner_->showFailure(
            {tr("The program %1 could not be started: %2.").arg(worker_, process_->errorString()),
             {}});
        process_->deleteLater();
        process_.clear();
        showState();
        Q_EMIT ended();
    });
    process_->start(worker_, QStringList{u"bench"_s, u"chats"_s, artifact_, u"--json"_s} +
                                 chosen->arguments());
    process_->closeWriteChannel();
    showState();
}

void SweepDialog::stop() {
    if (!isMeasuring())
        return;
    awaitsRoom_ = false;
    if (process_) {
        process_->disconnect(this);
        process_->setParent(nullptr);
        connect(process_, &QProcess::finished, process_, &QObject::deleteLater);
        process_->terminate();
        process_.clear();
    }
    showState();
    Q_EMIT ended();
}

void SweepDialog::takeEnd(int code, QProcess::ExitStatus how) {
    SweepRun run =
        SweepRun::fromJson(QJsonDocument::fromJson(process_->readAllStandardOutput()).object());
    process_->deleteLater();
    process_.clear();
    showState();
    Q_EMIT ended();
    if (how == QProcess::CrashExit || code != 0 || run.points.isEmpty()) {
        const QString words = QString::fromUtf8(messages_).trimmed().section(u'\n', -1);
        banner_->showFailure(
            {words.isEmpty() ? tr("The measurement ended with code %1.").arg(code) : words, {}},
            QString::fromUtf8(messages_));
        return;
    }
    run.time = QDateTime::currentDateTimeUtc();
    QtConcurrent::run([file = history_, run] {
        const QString failure = addSweep(file, run);
        return std::pair(failure, readSweeps(file));
    }).then(this, [this, run](const std::pair<QString, QList<SweepRun>>& kept) {
        if (!kept.first.isEmpty())
            banner_->showFailure({kept.first, {}});
        takeRuns(kept.first.isEmpty() ? kept.second : runs_ + QList{run});
        Q_EMIT measured();
    });
}

void SweepDialog::takeRuns(const QList<SweepRun>& runs) {
    runs_ = runs;
    baseline_->clear();
    baseline_->addItem(tr("Nothing"));
    for (const SweepRun& run : runs_.first(std::max<qsizetype>(0, runs_.size() - 1)))
        baseline_->addItem(runName(run));
    baseline_->setCurrentIndex(baseline_->count() - 1); // the one before
    fill();
}

void SweepDialog::compareWith(int index) {
    baseline_->setCurrentIndex(index + 1);
    fill();
}

const SweepRun* SweepDialog::shown() const {
    return runs_.isEmpty() ? nullptr : &runs_.last();
}

const SweepRun* SweepDialog::baseline() const {
    const int index = baseline_->currentIndex() - 1;
    return index >= 0 && index < runs_.size() ? &runs_[index] : nullptr;
}

void SweepDialog::fill() {
    const SweepRun* run = shown();
    table_->showRun(run, baseline());
    verdict_->setVisible(run != nullptr && baseline() != nullptr);
    showState();
    if (!run) {
        facts_->setText(tr("Nothing has been measured yet. Answers are timed over lengths of "
                           "prompts and chats at once."));
        return;
    }
    QString facts = tr("%1 on %2, %3 of weights a token")
                        .arg(runName(*run), run->device, sizeText(run->weightBytes));
    if (run->deviceBytes > 0)
        facts += tr(", %1 of GPU memory").arg(memoryText(run->deviceBytes));
    if (run->readBytesPerSecond > 0 && run->weightBytes > 0)
        facts +=
            tr(". Memory reads %1 a second, so one chat has at most %2 tok/s.")
                .arg(sizeText(static_cast<qint64>(run->readBytesPerSecond)),
                     figureText(run->readBytesPerSecond / static_cast<double>(run->weightBytes)));
    facts_->setText(facts);
    if (baseline())
        verdict_->setText(changeText(*run, *baseline()));
}

void SweepDialog::showState() {
    measure_->setText(isMeasuring() ? tr("Stop") : tr("Measure"));
    measure_->setEnabled(isMeasuring() || plan());
    for (QWidget* field : {static_cast<QWidget*>(prompts_), static_cast<QWidget*>(chats_),
                           static_cast<QWidget*>(tokens_)}) {
        field->setEnabled(!isMeasuring());
    }
    export_->setEnabled(shown() != nullptr);
    showPlan();
    progress_->setVisible(isMeasuring());
    // What the program tells a terminal: "measure  [###---]  50 %  eta 3 s".
    static const QRegularExpression kPercent(u"(\\d+) %"_s);
    auto found = kPercent.globalMatch(QString::fromUtf8(messages_));
    int percent = -1;
    while (found.hasNext())
        percent = found.next().captured(1).toInt();
    progress_->setRange(0, percent < 0 ? 0 : 100);
    progress_->setValue(percent);
}

} // namespace caldera::studio
