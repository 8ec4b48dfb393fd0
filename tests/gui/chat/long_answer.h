// A long answer as a stream, and how long it keeps the window from its next turn.
#pragma once

#include <algorithm>
#include <ctime>
#include <functional>
#include <numeric>
#include <vector>

#include <QElapsedTimer>
#include <QTimer>

#include "tests/gui/chat/fake_server.h"

namespace caldera::studio {

/// How long this thread's processor works between two turns of the event loop. Processor time, so
/// that a busy machine does not count against the window; beside it the same by the clock, which is
/// what a person waits.
class TurnWatch {
public:
    TurnWatch() {
        QObject::connect(&timer_, &QTimer::timeout, &timer_, [this] { take(); });
        timer_.start(1);
        last_ = now();
        clock_.start();
    }
    /// Of this thread's processor time, in milliseconds.
    static double now() {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
    }
    /// Hears of each turn, in milliseconds.
    std::function<void(double)> onTurn;

    /// By the clock, between two turns that are a millisecond apart where nothing is to be done.
    double longestByTheClock() const { return shareOf(byTheClock_, 1); }
    double byTheClockOf(double share) const { return shareOf(byTheClock_, share); }
    double longestMilliseconds() const { return turns_.empty() ? 0 : std::ranges::max(turns_); }
    /// What `share` of the turns did not exceed.
    double millisecondsOf(double share) const { return shareOf(turns_, share); }
    /// When the longest turn ended, in seconds of the processor's time.
    double secondsToTheLongest() const {
        const auto end = std::ranges::max_element(turns_);
        return std::accumulate(turns_.begin(), end, 0.0) / 1e3;
    }
    /// The longest turn of the last `share` of them.
    double longestAtTheEnd(double share) const {
        const auto count = static_cast<std::ptrdiff_t>(share * static_cast<double>(turns_.size()));
        return count == 0 ? 0 : *std::max_element(turns_.end() - count, turns_.end());
    }

private:
    static double shareOf(std::vector<double> turns, double share) {
        std::ranges::sort(turns);
        const auto place = static_cast<std::size_t>(share * static_cast<double>(turns.size()));
        return turns.empty() ? 0 : turns[std::min(place, turns.size() - 1)];
    }
    void take() {
        byTheClock_.push_back(static_cast<double>(clock_.nsecsElapsed()) / 1e6);
        clock_.start();
        const double time = now();
        turns_.push_back(time - last_);
        if (onTurn)
            onTurn(turns_.back());
        last_ = time;
    }

    QTimer timer_;
    double last_ = 0;
    QElapsedTimer clock_; ///< since the last turn
    std::vector<double> turns_;
    std::vector<double> byTheClock_;
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
