#include "widgets/chat/compare_view.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QLineEdit>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QSplitter>
#include <QVBoxLayout>
#include <QtConcurrent>

#include <utility>

#include "widgets/chat/chance_table.h"
#include "widgets/chat/engine_process.h"
#include "widgets/chat/token_text.h"
#include "widgets/jobs/job_service.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kRefreshInterval = 50; // ms

} // namespace

CompareView::CompareView(const QString& worker, QWidget* parent)
    : QWidget(parent), worker_(worker), session_(worker), engine_(new EngineProcess(worker, this)),
      banner_(new ErrorBanner(this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceLarge, kSpaceSmall, kSpaceLarge, kSpaceLarge);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(banner_);
    layout->addWidget(buildBar());
    layout->addWidget(buildColumns(), 1);
    layout->addWidget(buildFoot());
    // Tokens may come faster than anybody reads, and each refresh looks at all of them.
    refresh_.setSingleShot(true);
    refresh_.setInterval(kRefreshInterval);
    connect(&refresh_, &QTimer::timeout, this, &CompareView::refresh);
    connect(&session_, &CompareSession::changed, this, [this] {
        if (!session_.isRunning()) {
            refresh();
            return;
        }
        Q_EMIT serverUsed(subject_.server);
        if (!refresh_.isActive())
            refresh_.start();
    });
    connect(&session_, &CompareSession::failed, this, [this](const QString& sentence) {
        banner_->showFailure({sentence, {}});
        refresh();
    });
    connect(engine_, &EngineProcess::changed, this, &CompareView::takeEngine);
    if (worker_.isEmpty()) { // looking for the program reads the disk
        QtConcurrent::run([] {
            return JobService::findWorker();
        }).then(this, [this](const QString& program) { session_.setWorker(program); });
    }
    refresh();
}

CompareView::~CompareView() {
    session_.disconnect(this);
    engine_->disconnect(this);
}

QMenu* CompareView::referenceMenu() {
    auto* menu = new QMenu(choose_);
    menu->setToolTipsVisible(true);
    originalAction_ = menu->addAction({}, this, [this] { setReference(original_); });
    originalAction_->setVisible(false);
    menu->addAction(tr("The original, or another model (a folder)…"), this,
                    [this] { chooseReference(tr("A model (its folder)"), false); });
    menu->addAction(tr("A model in a GGUF file…"), this,
                    [this] { chooseReference(tr("A model (its GGUF file)"), true); });
    menu->addAction(tr("Another compressed model…"), this,
                    [this] { chooseReference(tr("A compressed model (its folder)"), false); });
    return menu;
}

QLayout* CompareView::buildReference(QWidget* bar) {
    referenceName_ = new ToneLabel({}, Token::Text, bar);
    choose_ = new QPushButton(tr("Choose…"), bar);
    choose_->setMenu(referenceMenu());
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(new ToneLabel(tr("Reference"), Token::Secondary, bar));
    line->addWidget(referenceName_);
    line->addWidget(choose_);
    line->addStretch(1);
    return line;
}

QLayout* CompareView::buildQuestion(QWidget* bar) {
    question_ = new QLineEdit(bar);
    question_->setPlaceholderText(tr("Ask both the same"));
    question_->setAccessibleName(tr("Question to both models"));
    ask_ = new QPushButton(tr("Compare"), bar);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(question_, 1);
    line->addWidget(ask_);
    const auto go = [this] {
        if (session_.isRunning() || !waiting_.isEmpty())
            stop();
        else
            ask(question_->text());
    };
    connect(ask_, &QPushButton::clicked, this, go);
    connect(question_, &QLineEdit::returnPressed, this, go);
    return line;
}

QWidget* CompareView::buildBar() {
    auto* bar = new QWidget(this);
    progress_ = new QProgressBar(bar);
    progress_->setTextVisible(false);
    progress_->setFixedHeight(4);
    progress_->setAccessibleName(tr("Progress of the comparison"));
    state_ = new ToneLabel({}, Token::Secondary, bar);
    auto* layout = new QVBoxLayout(bar);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(buildReference(bar));
    layout->addLayout(buildQuestion(bar));
    layout->addWidget(state_);
    layout->addWidget(progress_);
    return bar;
}

QWidget* CompareView::buildColumns() {
    auto* columns = new QSplitter(Qt::Horizontal, this);
    columns->setObjectName(u"compareSplitter"_s);
    columns->setChildrenCollapsible(false);
    const auto column = [columns](ToneLabel*& title, TokenText*& text, const QString& name) {
        auto* box = new QWidget(columns);
        title = new ToneLabel({}, Token::Secondary, box);
        title->setFont(Theme::current().textFont(-1, QFont::DemiBold));
        text = new TokenText(box);
        text->setAccessibleName(name);
        auto* layout = new QVBoxLayout(box);
        layout->setContentsMargins(0, 0, kSpaceSmall, 0);
        layout->setSpacing(kSpaceTiny);
        layout->addWidget(title);
        layout->addWidget(text, 1);
        columns->addWidget(box);
    };
    column(leftTitle_, left_, tr("Answer that both models are scored along"));
    column(rightTitle_, right_, tr("Own answer of the other model"));
    connect(left_, &TokenText::tokenChosen, this, &CompareView::chooseToken);
    return columns;
}

QWidget* CompareView::buildFoot() {
    auto* foot = new QWidget(this);
    summary_ = new ToneLabel({}, Token::Text, foot);
    summary_->setWordWrap(true);
    summary_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    arithmetic_ = new ToneLabel(
        tr("Engines compute as in the chat, compressed weights with inputs of 8 bits: a token "
           "may be 0.2 nats from what `caldera score` and Blame find, which compute in full."),
        Token::Secondary, foot);
    arithmetic_->setWordWrap(true);
    chances_ = new ChanceTable(foot);
    blame_ = new QPushButton(icon(u"search"_s), tr("Which cells moved this token?"), foot);
    blame_->setToolTip(tr("Puts the original weights of each cell back, one cell at a time, and "
                          "shows what the token gains"));
    connect(blame_, &QPushButton::clicked, this, &CompareView::blame);
    auto* layout = new QVBoxLayout(foot);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(summary_);
    layout->addWidget(arithmetic_);
    layout->addWidget(chances_);
    layout->addWidget(blame_, 0, Qt::AlignLeft);
    return foot;
}

void CompareView::setBlamable(bool blamable) {
    blamable_ = blamable;
    showChances();
}

void CompareView::blame() {
    const QList<ScoredToken>& answer =
        session_.followsReference() ? session_.referenceAnswer() : session_.subjectAnswer();
    if (chosen_ < 0 || chosen_ >= answer.size())
        return;
    QList<int> tokens;
    for (const ScoredToken& token : answer.first(chosen_ + 1))
        tokens.append(token.id);
    BlameQuestion question;
    question.request = request_.scoreJson(tokens, 0);
    question.token = chosen_;
    question.word = visibleToken(answer[chosen_].text);
    Q_EMIT blameRequested(question);
}

void CompareView::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    question_->setFocus(Qt::OtherFocusReason);
}

void CompareView::setSubject(const CompareSide& subject) {
    if (subject.server != subject_.server || subject.name != subject_.name)
        stop();
    subject_ = subject;
    refresh();
}

void CompareView::setOriginal(const QString& path) {
    original_ = path;
    originalAction_->setVisible(false);
    QtConcurrent::run([path] {
        return !path.isEmpty() && QFileInfo::exists(path);
    }).then(this, [this, path](bool isThere) {
        if (original_ == path && isThere) {
            originalAction_->setText(tr("The original: %1").arg(QFileInfo(path).fileName()));
            originalAction_->setToolTip(path);
            originalAction_->setVisible(true);
        }
    });
}

void CompareView::setReference(const CompareSide& reference) {
    stop();
    session_.clear(); // it was with another one
    banner_->clear();
    chosen_ = -1;
    chosenPath_.clear();
    scoredInstead_.clear();
    engine_->stop();
    reference_ = reference;
    refresh();
}

void CompareView::setReference(const QString& path) {
    setReference(CompareSide{QFileInfo(path).completeBaseName(), {}, {}, {}});
    chosenPath_ = path;
    // An artifact has a manifest; looking for it reads the disk.
    QtConcurrent::run([path] {
        return QFileInfo::exists(path + "/manifest.json"_L1);
    }).then(this, [this, path](bool isArtifact) {
        if (chosenPath_ == path) {
            scoredInstead_ = isArtifact ? QString() : path;
            engine_->start(path);
        }
    });
}

void CompareView::setQuestionSettings(const QString& systemPrompt, const ChatSampling& sampling) {
    request_.systemPrompt = systemPrompt;
    request_.sampling = sampling;
}

void CompareView::chooseReference(const QString& title, bool isFile) {
    auto* dialog = new QFileDialog(this, title);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(isFile ? QFileDialog::ExistingFile : QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly, !isFile);
    if (isFile)
        dialog->setNameFilter(tr("GGUF (*.gguf)"));
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& path) { setReference(path); });
    dialog->open();
}

void CompareView::takeEngine() {
    using State = EngineProcess::State;
    if (engine_->state() == State::Ready) {
        reference_.server = engine_->server();
        reference_.token = engine_->token();
        if (!waiting_.isEmpty())
            ask(std::exchange(waiting_, {}));
    } else if (engine_->state() == State::Failed && !scoredInstead_.isEmpty()) {
        reference_.server.clear();
        reference_.model = scoredInstead_;
        if (!waiting_.isEmpty())
            ask(std::exchange(waiting_, {}));
    } else if (engine_->state() == State::Failed) {
        reference_.server.clear();
        waiting_.clear();
        const bool forces = engine_->doesNotFit();
        banner_->showFailure({engine_->error(), {}}, engine_->messages(),
                             {forces ? tr("Begin all the same") : tr("Retry"), [this, forces] {
                                  engine_->start(engine_->artifact(), {forces, engine_->device()});
                              }});
    }
    refresh();
}

void CompareView::ask(const QString& question) {
    if (question.trimmed().isEmpty() || subject_.server.isEmpty() || reference_.name.isEmpty())
        return;
    banner_->clear();
    question_->setText(question);
    chosen_ = -1;
    const bool isScored = !reference_.model.isEmpty();
    if (engine_->state() == EngineProcess::State::Failed && !isScored)
        engine_->start(engine_->artifact());        // it may have run out of memory, or been killed
    if (reference_.server.isEmpty() && !isScored) { // its engine is not ready
        waiting_ = question;
        refresh();
        return;
    }
    ChatMessage message;
    message.text = question;
    request_.messages = {message};
    marks_.clear();
    session_.start(reference_, subject_, request_);
}

void CompareView::stop() {
    waiting_.clear();
    session_.stop();
    refresh();
}

} // namespace caldera::studio
