// What the chat view talks to: the engine of the open artifact, or another server.
#include <QPlainTextEdit>
#include <QProgressBar>

#include <utility>

#include "widgets/chat/chat_client.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/compare_view.h"
#include "widgets/chat/composer.h"
#include "widgets/chat/engine_process.h"
#include "widgets/chat/throughput_panel.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/notice_bar.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kBarSteps = 1000;

} // namespace

void ChatView::openArtifact(const QString& path, const QString& name) {
    if (ownEngine_ && artifact_ == path)
        return;
    stop();
    forgetSwaps();
    ownEngine_ = true;
    artifact_ = path;
    modelName_ = name;
    server_.clear();
    engine_->stop();
    contextLength_ = 0;
    throughput_->setContextLength(0);
    banner_->clear();
    if (isVisible())
        ensureEngine();
    showEngine();
}

void ChatView::closeArtifact(const QString& uncompressed) {
    stop();
    forgetSwaps();
    uncompressed_ = uncompressed;
    ownEngine_ = true;
    artifact_.clear();
    modelName_.clear();
    server_.clear();
    engine_->stop();
    contextLength_ = 0;
    throughput_->setContextLength(0);
    banner_->clear();
    showEngine();
}

void ChatView::useServer(const QUrl& server, const QString& modelName, const QByteArray& token) {
    stop();
    forgetSwaps();
    ownEngine_ = false;
    artifact_.clear();
    modelName_ = modelName;
    lost_.clear();
    banner_->clear();
    engine_->stop();
    takeServer(server, token);
    compare_->setOriginal({}); // nobody knows what is served there
    showEngine();
}

void ChatView::loseServer(const QString& sentence) {
    if (ownEngine_)
        return;
    lost_ = sentence;
    client_->cancel(); // it would fail as well, and say less
    if (isStreaming())
        endAnswer(ChatEnd::Failed, {}, sentence);
    showEmpty(false);
}

void ChatView::takeServer(const QUrl& server, const QByteArray& token) {
    server_ = server;
    token_ = token;
    client_->setToken(token);
    throughput_->setRoofline(0);
    throughput_->setGpu(std::nullopt);
    isBounded_ = false;
    showSwapped(0); // a server that was started anew has its own weights
    client_->describe(server);
    if (!putBack_.isEmpty())
        client_->swapCells(server_, std::exchange(putBack_, {}));
    if (std::exchange(waiting_, false))
        request();
    else
        client_->survey(server_);
}

void ChatView::putBack(const QStringList& cells) {
    if (!ownEngine_ || artifact_.isEmpty())
        return;
    setComparing(false);
    wanted_ = cells;
    if (!server_.isEmpty())
        return client_->swapCells(server_, cells);
    putBack_ = cells;
    ensureEngine();
}

/// Another model, or another server of it, has cells of its own.
void ChatView::forgetSwaps() {
    putBack_.clear();
    wanted_.clear();
    swapped_->clear();
}

void ChatView::showSwapped(int cells) {
    if (cells == 0)
        return swapped_->clear();
    swapped_->showNotice(u"refresh"_s,
                         tr("%n cell(s) have their original weights: so the model would answer if "
                            "they cost nothing.",
                            nullptr, cells),
                         tr("Undo"), [this] { undoSwap(); });
}

void ChatView::explainSwap(const QString& sentence, bool needsProcessor) {
    if (!needsProcessor || !ownEngine_) {
        banner_->showFailure({tr("The cells keep their weights: %1").arg(sentence), {}});
        return;
    }
    banner_->showFailure(
        {tr("The engine computes on a GPU, where cells keep their weights. On the processor they "
            "can be put back; it answers more slowly, and goes back to the GPU when you undo."),
         {}},
        {}, {tr("Answer on the processor"), [this] {
                 putBack_ = wanted_;
                 engine_->start(artifact_, {false, u"cpu"_s});
             }});
}

void ChatView::undoSwap() {
    if (ownEngine_ && !engine_->device().isEmpty())
        engine_->start(artifact_); // where it was before
    else
        client_->undoSwap(server_);
}

/// A measurement loads the model by itself: a card that holds it once need not hold it twice, and
/// what is measured is not slowed down.
void ChatView::rest() {
    stop();
    isResting_ = true;
    forgetSwaps();
    engine_->stop();
}

void ChatView::wake() {
    isResting_ = false;
    if (isVisible())
        ensureEngine();
}

void ChatView::ensureEngine() {
    if (!isResting_ && ownEngine_ && !artifact_.isEmpty() &&
        engine_->state() == EngineProcess::State::Stopped)
        engine_->start(artifact_);
}

void ChatView::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    ensureEngine();
    composer_->field()->setFocus(Qt::OtherFocusReason);
}

void ChatView::showEngine() {
    using State = EngineProcess::State;
    const State state = ownEngine_ ? engine_->state() : State::Ready;
    if (ownEngine_ && state == State::Ready && server_ != engine_->server())
        takeServer(engine_->server(), engine_->token());
    if (ownEngine_ && state != State::Ready)
        server_.clear();
    throughput_->setMeasurable(ownEngine_ && !artifact_.isEmpty());
    compare_->setSubject({hasModel() ? modelName_ : QString(), server_, token_, {}});
    compare_->setBlamable(ownEngine_ && !artifact_.isEmpty());
    starting_->setVisible(hasModel() && state == State::Starting);
    const double fraction = engine_->fraction();
    startingBar_->setRange(0, fraction < 0 ? 0 : kBarSteps);
    startingBar_->setValue(static_cast<int>(qMax(0.0, fraction) * kBarSteps));
    startingText_->setText(engine_->stage().isEmpty()
                               ? tr("Starting the engine of %1…").arg(modelName_)
                               : tr("Starting the engine: %1").arg(engine_->stage()));
    if (state == State::Failed && hasModel()) {
        client_->cancel(); // it would fail as well, and say less
        if (isStreaming())
            endAnswer(ChatEnd::Failed, {}, engine_->error());
        const bool forces = engine_->doesNotFit();
        banner_->showFailure({engine_->error(), {}}, engine_->messages(),
                             {forces ? tr("Begin all the same") : tr("Retry"), [this, forces] {
                                  engine_->start(artifact_, {forces, engine_->device()});
                              }});
    } else if (state == State::Starting) {
        banner_->clear();
    }
    showEmpty(state == State::Failed);
}

void ChatView::showEmpty(bool hasFailed) {
    if (!hasModel() && !uncompressed_.isEmpty()) {
        empty_->setText(tr("%1 is not compressed yet").arg(uncompressed_),
                        tr("Chat talks to compressed models. Choose bits and ranks in Plan, press "
                           "Compress, and chat with the result; or open a model that is compressed "
                           "already."));
        empty_->setActionText(tr("Go to Plan"));
        composer_->setReady(false, tr("Compress the model to send messages"));
    } else if (!hasModel()) {
        empty_->setText(tr("No artifact is open"),
                        tr("Open a compressed model to chat with it. Conversations stay on this "
                           "machine."));
        empty_->setActionText(tr("Open an artifact"));
        composer_->setReady(false, tr("Open an artifact to send messages"));
    } else {
        empty_->setText(tr("Chat with %1").arg(modelName_),
                        ownEngine_ ? tr("Ask something. The answer is computed on this machine, "
                                        "straight from the packed weights.")
                                   : tr("Ask something. The answer is computed where the model is "
                                        "loaded; nothing of it is on this machine."));
        empty_->setActionText({});
        const QString lost = ownEngine_ ? QString() : lost_;
        composer_->setReady(!hasFailed && lost.isEmpty(),
                            hasFailed ? tr("The engine is not running") : lost);
    }
}

} // namespace caldera::studio
