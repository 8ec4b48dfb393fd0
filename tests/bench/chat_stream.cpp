// The longest time that the chat keeps the window from its next turn while a long answer streams
// in: a recorded answer of 32 768 tokens at 200 tokens a second. Fails above a frame of 16 ms.
//   chat_stream [TOKENS [TOKENS_A_SECOND]]
#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTest>

#include <cstdio>
#include <cstdlib>

#include "tests/gui/chat/fake_server.h"
#include "tests/gui/chat/long_answer.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/transcript.h"
#include "widgets/theme/theme.h"

using namespace caldera::studio;

int main(int argc, char** argv) {
    constexpr double kFrame = 16; // milliseconds
    constexpr int kRecorded = 32768;
    constexpr int kSpeed = 200;
    QApplication application(argc, argv);
    Theme::current().install(application);
    const int tokens = argc > 1 ? std::atoi(argv[1]) : kRecorded;
    const int speed = argc > 2 ? std::atoi(argv[2]) : kSpeed;

    const QTemporaryDir folder;
    FakeServer server;
    server.setPace(1000 / speed);
    server.play(longAnswer(tokens));
    ChatView view(folder.path());
    view.resize(1360, 820);
    view.show();
    view.useServer(server.url(), QStringLiteral("recorded"));
    QTest::qWait(500);
    QElapsedTimer clock;
    clock.start();
    const TurnWatch watch;
    view.send(QStringLiteral("Tell me everything"));
    const int patience = 4000 * (tokens / speed + 30);
    const bool isShown =
        QTest::qWaitFor([&view] { return !view.isStreaming(); }, patience) &&
        QTest::qWaitFor([&view] { return view.transcript()->isFullyRendered(); }, patience);
    std::printf("%d tokens in %.1f s (%.0f a second): longest turn %.1f ms (after %.1f s of the "
                "processor's; in the last tenth %.1f), p99 %.2f, median %.2f\n",
                tokens, static_cast<double>(clock.elapsed()) / 1e3,
                1e3 * tokens / static_cast<double>(clock.elapsed()), watch.longestMilliseconds(),
                watch.secondsToTheLongest(), watch.longestAtTheEnd(0.1), watch.millisecondsOf(0.99),
                watch.millisecondsOf(0.5));
    return isShown && watch.longestMilliseconds() <= kFrame ? 0 : 1;
}
