#include "app/studio/screenshots.h"

#include <QCoreApplication>
#include <QDir>
#include <QTimer>

#include <array>

#include "app/studio/main_window.h"
#include "widgets/chat/chat_view.h"
#include "widgets/jobs/job_service.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kLook = 50;             ///< milliseconds between looks
constexpr int kQuiet = 200;           ///< for queued repaints
constexpr qint64 kPatience = 240'000; ///< for an answer

const std::array<QSize, 2> kSizes = {QSize(1440, 900), QSize(1024, 700)};
constexpr std::array kModeNames = {"model", "plan", "runs", "inspect", "chat"};

/// Lets queued work be done, as an idle moment would.
void settle() {
    QElapsedTimer clock;
    clock.start();
    while (clock.elapsed() < kQuiet) {
        QCoreApplication::processEvents(QEventLoop::AllEvents, kLook);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
}

} // namespace

Screenshots::Screenshots(MainWindow& window, const QString& folder, const QStringList& questions,
                         QObject* parent)
    : QObject(parent), window_(window), folder_(folder), questions_(questions) {}

void Screenshots::start() {
    clock_.start();
    auto* timer = new QTimer(this);
    connect(timer, &QTimer::timeout, this, &Screenshots::look);
    timer->start(kLook);
}

bool Screenshots::settled() const {
    return !window_.session().busy() && window_.jobs().ready();
}

void Screenshots::look() {
    if (step_ == Step::Opening && settled()) {
        if (!questions_.isEmpty() && !window_.chatView()->hasModel()) {
            end(tr("There is no compressed model to ask. Name one with --open."));
            return;
        }
        step_ = Step::Answering;
        if (!questions_.isEmpty()) {
            window_.setMode(Mode::Chat);
            settle();
            window_.chatView()->newConversation();
            ChatSampling likeliest; // the same model gives the same picture
            likeliest.temperature = 0;
            window_.chatView()->setSampling(likeliest);
        }
    }
    if (step_ != Step::Answering) {
        return;
    }
    const QList<ChatMessage> talk = window_.chatView()->conversation().path();
    if (window_.chatView()->isStreaming()) {
        if (clock_.elapsed() > kPatience) {
            end(tr("The answers did not end within %1 seconds.").arg(kPatience / 1000));
        }
    } else if (!talk.isEmpty() && talk.last().end == ChatEnd::Failed) {
        end(talk.last().error);
    } else if (!questions_.isEmpty()) {
        window_.chatView()->send(questions_.takeFirst());
    } else {
        end(drawAll());
    }
}

void Screenshots::end(const QString& problem) {
    step_ = Step::Drawing;
    Q_EMIT finished(problem);
}

QString Screenshots::drawAll() {
    if (!QDir().mkpath(folder_)) {
        return tr("Cannot create the folder %1. Choose one you can write.").arg(folder_);
    }
    const SchemeChoice before = Theme::current().choice();
    QString problem;
    for (const auto& [choice, name] :
         {std::pair(SchemeChoice::Dark, u"dark"_s), std::pair(SchemeChoice::Light, u"light"_s)}) {
        Theme::current().setChoice(choice);
        for (const QSize& size : kSizes) {
            if (problem.isEmpty()) {
                problem = drawModes(name, size);
            }
        }
    }
    Theme::current().setChoice(before);
    return problem;
}

QString Screenshots::drawModes(const QString& scheme, const QSize& size) {
    window_.resize(size);
    for (int at = 0; at < kModeCount; ++at) {
        window_.setMode(static_cast<Mode>(at));
        window_.pinMostFragile();
        settle();
        const QString file = QDir(folder_).filePath(
            u"%1-%2-%3x%4.png"_s.arg(QLatin1StringView(kModeNames[static_cast<size_t>(at)]), scheme)
                .arg(size.width())
                .arg(size.height()));
        if (!window_.grab().save(file)) {
            return tr("Cannot write %1. Free some space, or choose another folder.").arg(file);
        }
    }
    return {};
}

} // namespace caldera::studio
