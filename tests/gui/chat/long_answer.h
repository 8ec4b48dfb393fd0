// A long answer as a stream, and how long it keeps the window from its next turn.
#pragma once

#include <algorithm>
#include <ctime>

#include <QTimer>

#include "tests/gui/chat/fake_server.h"

namespace caldera::studio {

/// Longest time of this thread's processor between two turns of the event loop. Processor time,
/// so that a busy machine does not count against the window.
class TurnWatch {
public:
    TurnWatch() {
        QObject::connect(&timer_, &QTimer::timeout, &timer_, [this] { take(); });
        timer_.start(1);
        last_ = now();
    }
    double longestMilliseconds() const { return longest_; }

private:
    static double now() {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
    }
    void take() {
        const double time = now();
        longest_ = std::max(longest_, time - last_);
        last_ = time;
    }

    QTimer timer_;
    double last_ = 0;
    double longest_ = 0;
};

/// The stream of a recorded answer with what answers have: words, bold, code, tables, lists.
inline QList<QByteArray> longAnswer(int tokens) {
    QList<QByteArray> pieces{kStreamHead};
    for (int i = 0; i < tokens; ++i) {
        QString text = QStringLiteral("word%1 ").arg(i);
        if (i % 40 == 39)
            text = QStringLiteral("**end**.\n\n");
        if (i % 200 == 100)
            text =
                QStringLiteral("\n\n```cpp\nfor (int i = 0; i < 10; ++i)\n    sum += i;\n```\n\n");
        if (i % 200 == 150)
            text = QStringLiteral("\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\n");
        pieces.append(FakeServer::token(text));
    }
    pieces.append(FakeServer::end());
    return pieces;
}

} // namespace caldera::studio
