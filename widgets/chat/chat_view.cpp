#include "widgets/chat/chat_view.h"

#include <QPlainTextEdit>
#include <QProgressBar>
#include <QShortcut>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>
#include <QtConcurrent>

#include <utility>

#include "widgets/chat/chat_client.h"
#include "widgets/chat/chat_settings.h"
#include "widgets/chat/compare_view.h"
#include "widgets/chat/composer.h"
#include "widgets/chat/conversation_list.h"
#include "widgets/chat/conversation_store.h"
#include "widgets/chat/engine_process.h"
#include "widgets/chat/sweep_dialog.h"
#include "widgets/chat/throughput_panel.h"
#include "widgets/chat/transcript.h"
#include "widgets/jobs/job_service.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/notice_bar.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kSaveDelay = 700;       // ms
constexpr int kSurveyInterval = 1000; // ms
constexpr int kListWidth = 224;
constexpr int kPanelWidth = 264;

} // namespace

ChatView::ChatView(const QString& folder, const QString& worker, QWidget* parent)
    : QWidget(parent), store_(new ConversationStore(folder, this)), client_(new ChatClient(this)),
      engine_(new EngineProcess(worker, this)), list_(new ConversationList(this)),
      transcript_(new Transcript(this)), composer_(new Composer(this)),
      throughput_(new ThroughputPanel(this)), banner_(new ErrorBanner(this)),
      swapped_(new NoticeBar(this)), empty_(new EmptyState(u"chat"_s, {}, {}, this)),
      pages_(new QStackedWidget(this)), compare_(new CompareView(worker, this)),
      open_(Conversation::create()), worker_(worker), history_(folder + u"/throughput.jsonl"_s) {
    banner_->setObjectName(u"chatBanner"_s);
    auto* splitter = new QSplitter(Qt::Horizontal, this);
    splitter->setObjectName(u"chatSplitter"_s);
    const auto side = [splitter](QWidget* content) {
        auto* panel = new Surface(Token::Panel, splitter);
        auto* layout = new QVBoxLayout(panel);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(content);
        return panel;
    };
    QWidget* left = side(list_);
    left->setMinimumWidth(160);
    QWidget* right = side(throughput_);
    right->setMinimumWidth(220);
    splitter->addWidget(left);
    splitter->addWidget(buildCentre());
    splitter->addWidget(right);
    splitter->setStretchFactor(0, 0);
    splitter->setStretchFactor(1, 1);
    splitter->setStretchFactor(2, 0);
    splitter->setSizes({kListWidth, 800, kPanelWidth});
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter);
    connectAll();
    store_->load();
    store_->loadPresets();
    showOpen();
    showEngine();
}

ChatView::~ChatView() {
    client_->disconnect(this);
    if (isStreaming())
        endAnswer(ChatEnd::Stopped, {}, {});
    saveNow();
}

QWidget* ChatView::buildModes() {
    auto* bar = new QWidget(this);
    const auto mode = [bar](const QString& iconName, const QString& text, const QString& tip) {
        auto* button = new QToolButton(bar);
        button->setIcon(icon(iconName));
        button->setText(text);
        button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        button->setToolTip(tip);
        button->setCheckable(true);
        button->setAutoExclusive(true);
        button->setAutoRaise(true);
        return button;
    };
    talkMode_ = mode(u"chat"_s, tr("Talk"), tr("A conversation with the open model"));
    compareMode_ = mode(u"compare"_s, tr("Compare"),
                        tr("One question to the open model and to a reference, side by side"));
    talkMode_->setChecked(true);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(kSpaceLarge, kSpaceSmall, kSpaceLarge, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addWidget(talkMode_);
    layout->addWidget(compareMode_);
    layout->addStretch(1);
    connect(compareMode_, &QToolButton::toggled, this, &ChatView::setComparing);
    return bar;
}

void ChatView::measureSpeed() {
    // Looking for the program reads the disk.
    QtConcurrent::run([worker = worker_] {
        return worker.isEmpty() ? JobService::findWorker() : worker;
    }).then(this, [this](const QString& program) {
        auto* dialog = new SweepDialog(artifact_, program, history_, this);
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        connect(dialog, &SweepDialog::roomNeeded, this, [this, dialog] {
            rest();
            engine_->whenGone(dialog, [dialog] { dialog->begin(); });
        });
        connect(dialog, &SweepDialog::ended, this, &ChatView::wake);
        connect(dialog, &QDialog::finished, this, &ChatView::wake);
        dialog->open();
    });
}

void ChatView::setComparing(bool comparing) {
    (comparing ? compareMode_ : talkMode_)->setChecked(true);
    centre_->setCurrentIndex(comparing ? 1 : 0);
    if (comparing)
        ensureEngine();
}

QWidget* ChatView::buildCentre() {
    centre_ = new QStackedWidget(this);
    centre_->addWidget(buildTalk());
    centre_->addWidget(compare_);
    auto* box = new QWidget(this);
    box->setMinimumWidth(360);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(buildModes());
    layout->addWidget(centre_, 1);
    return box;
}

QWidget* ChatView::buildTalk() {
    starting_ = new QWidget(this);
    startingText_ = new ToneLabel({}, Token::Secondary, starting_);
    startingBar_ = new QProgressBar(starting_);
    startingBar_->setTextVisible(false);
    startingBar_->setFixedHeight(4);
    startingBar_->setAccessibleName(tr("Starting the engine"));
    auto* startingLayout = new QVBoxLayout(starting_);
    startingLayout->setContentsMargins(0, 0, 0, kSpaceSmall);
    startingLayout->setSpacing(kSpaceTiny);
    startingLayout->addWidget(startingText_);
    startingLayout->addWidget(startingBar_);

    pages_->addWidget(empty_);
    pages_->addWidget(transcript_);
    auto* foot = new QWidget(this);
    auto* column = new QWidget(foot);
    column->setMaximumWidth(kReadableWidth);
    auto* columnLayout = new QVBoxLayout(column);
    columnLayout->setContentsMargins(0, 0, 0, 0);
    columnLayout->setSpacing(0);
    columnLayout->addWidget(starting_);
    columnLayout->addWidget(composer_);
    auto* footLayout = new QHBoxLayout(foot);
    footLayout->setContentsMargins(kSpaceHuge, 0, kSpaceHuge, kSpaceLarge);
    footLayout->addStretch(1);
    footLayout->addWidget(column, 1000);
    footLayout->addStretch(1);

    auto* talk = new QWidget(this);
    auto* layout = new QVBoxLayout(talk);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(banner_);
    layout->addWidget(swapped_);
    layout->addWidget(pages_, 1);
    layout->addWidget(foot);
    return talk;
}

void ChatView::connectAll() {
    connectEngine();
    connectConversations();
    connectMessages();
    connect(empty_, &EmptyState::triggered, this, [this] {
        if (uncompressed_.isEmpty())
            Q_EMIT openArtifactRequested();
        else
            Q_EMIT planRequested();
    });
    auto* fresh = new QShortcut(QKeySequence::New, this);
    fresh->setContext(Qt::WidgetWithChildrenShortcut);
    connect(fresh, &QShortcut::activated, this, &ChatView::newConversation);
    save_.setSingleShot(true);
    save_.setInterval(kSaveDelay);
    connect(&save_, &QTimer::timeout, this, &ChatView::saveNow);
}

void ChatView::connectEngine() {
    connect(client_, &ChatClient::delta, this, &ChatView::takeDelta);
    connect(client_, &ChatClient::finished, this,
            [this](ChatEnd end, const ChatStatistics& known) { endAnswer(end, known, {}); });
    connect(client_, &ChatClient::failed, this,
            [this](const QString& sentence) { endAnswer(ChatEnd::Failed, {}, sentence); });
    connect(client_, &ChatClient::described, this, [this](const QString& model, int context) {
        if (!ownEngine_ && modelName_.isEmpty())
            modelName_ = model;
        contextLength_ = context;
        throughput_->setContextLength(context);
        showFit();
    });
    connect(client_, &ChatClient::bounded, this, [this](double tokensPerSecond) {
        isBounded_ = true;
        throughput_->setRoofline(tokensPerSecond);
    });
    connect(client_, &ChatClient::counted, throughput_, &ThroughputPanel::setTokens);
    connect(client_, &ChatClient::gpuTold, throughput_, &ThroughputPanel::setGpu);
    surveys_.setInterval(kSurveyInterval);
    connect(&surveys_, &QTimer::timeout, this, [this] { client_->survey(server_); });
    connect(client_, &ChatClient::swapped, this, &ChatView::showSwapped);
    connect(client_, &ChatClient::swapFailed, this, &ChatView::explainSwap);
    connect(throughput_, &ThroughputPanel::measureRequested, this, &ChatView::measureSpeed);
    connect(engine_, &EngineProcess::changed, this, &ChatView::showEngine);
    connect(compare_, &CompareView::serverUsed, this, &ChatView::serverUsed);
}

void ChatView::connectConversations() {
    connect(store_, &ConversationStore::loaded, this, &ChatView::takeLoaded);
    connect(store_, &ConversationStore::failed, this, [this](const QString& sentence) {
        banner_->showFailure({sentence, {}});
    });
    connect(list_, &ConversationList::newRequested, this, &ChatView::newConversation);
    connect(list_, &ConversationList::openRequested, this, &ChatView::openConversation);
    connect(list_, &ConversationList::deleteRequested, this, &ChatView::deleteConversation);
    connect(list_, &ConversationList::copyRequested, this, &ChatView::copyAsMarkdown);
    connect(list_, &ConversationList::exportRequested, this, &ChatView::exportConversation);
    connect(list_, &ConversationList::renamed, this,
            [this](const QString& id, const QString& title) {
                if (Conversation* renamed = conversationOf(id)) {
                    renamed->title = title;
                    renamed->titled = true;
                    touch(*renamed);
                }
            });
    connect(list_, &ConversationList::restoreRequested, this,
            [this](const Conversation& conversation) {
                stored_.insert(conversation.id, conversation);
                list_->model()->put(conversation);
                store_->save(conversation);
                openConversation(conversation.id);
            });
}

void ChatView::connectMessages() {
    connect(transcript_, &Transcript::regenerateRequested, this, &ChatView::regenerate);
    connect(transcript_, &Transcript::editRequested, this, &ChatView::editMessage);
    connect(transcript_, &Transcript::continueRequested, this, &ChatView::continueAnswer);
    connect(transcript_, &Transcript::versionRequested, this, [this](const QString& id) {
        open_.show(id);
        touch(open_);
        showOpen();
    });
    connect(transcript_, &Transcript::textMenuRequested, this, &ChatView::offerBlame);
    connect(compare_, &CompareView::blameRequested, this, &ChatView::blameRequested);
    connect(composer_, &Composer::sendRequested, this, &ChatView::send);
    connect(composer_, &Composer::stopRequested, this, &ChatView::stop);
    connect(composer_, &Composer::editCancelled, this, [this] {
        editing_.clear();
        showFit();
    });
    connect(composer_->field(), &QPlainTextEdit::textChanged, this, &ChatView::showFit);
    ChatSettings* settings = composer_->settings();
    connect(settings, &ChatSettings::changed, this, [this, settings] {
        open_.systemPrompt = settings->systemPrompt();
        open_.sampling = settings->sampling();
        if (!open_.isEmpty())
            touch(open_);
        compare_->setQuestionSettings(open_.systemPrompt, open_.sampling);
        showFit();
    });
    connect(store_, &ConversationStore::presetsLoaded, settings, &ChatSettings::setPresets);
    connect(settings, &ChatSettings::presetSaved, store_, &ConversationStore::savePreset);
    connect(settings, &ChatSettings::presetRemoved, store_, &ConversationStore::removePreset);
}

} // namespace caldera::studio
