#include "app/cli/stop_signals.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace caldera::cli {

namespace {

constexpr int kCancelledExit = 130;
constexpr int kAskEveryMs = 200;
constexpr auto kPatience = std::chrono::seconds(1);
constexpr const char* kClearLine = "\r\033[K"; // of a terminal, where progress stands

std::atomic<int> wakeDescriptor{-1}; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<int> signalCount{0};     // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<int> lastSignal{0};      // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void wake() {
    const uint64_t one = 1;
    const ssize_t written = ::write(wakeDescriptor.load(), &one, sizeof(one));
    (void)written; // an eventfd that is full has woken its reader already
}

/// A handler rather than a blocked signal: libraries start threads before main() that would take
/// the signal and die by it. Only calls that are safe in a handler.
void onSignal(int signal) {
    const int error = errno;
    lastSignal = signal;
    if (signalCount.fetch_add(1) > 0) {
        ::_exit(kCancelledExit);
    }
    wake();
    errno = error;
}

} // namespace

StopSignals::StopSignals(std::function<bool()> alsoStop) {
    wakeDescriptor = ::eventfd(0, EFD_CLOEXEC);
    signalCount = 0;
    struct sigaction action {};
    action.sa_handler = onSignal;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &action, &oldInterrupt_);
    ::sigaction(SIGTERM, &action, &oldTerminate_);
    thread_ = std::jthread(
        [this, also = std::move(alsoStop)](const std::stop_token& ended) { watch(ended, also); });
}

StopSignals::~StopSignals() {
    thread_.request_stop();
    wake();
    thread_.join();
    ::sigaction(SIGINT, &oldInterrupt_, nullptr);
    ::sigaction(SIGTERM, &oldTerminate_, nullptr);
    ::close(wakeDescriptor.exchange(-1));
}

void StopSignals::interceptInterrupt(std::function<bool()> handler) {
    const std::lock_guard lock(mutex_);
    interrupted_ = std::move(handler);
}

bool StopSignals::isIntercepted() {
    const std::lock_guard lock(mutex_);
    return interrupted_ && interrupted_();
}

void StopSignals::watch(const std::stop_token& ended, const std::function<bool()>& alsoStop) {
    while (!ended.stop_requested()) {
        pollfd waiting{wakeDescriptor.load(), POLLIN, 0};
        if (::poll(&waiting, 1, kAskEveryMs) > 0) {
            uint64_t count = 0;
            const ssize_t length = ::read(waiting.fd, &count, sizeof(count));
            (void)length;
        }
        if (signalCount.load() > 0 && lastSignal.load() == SIGINT && isIntercepted()) {
            signalCount = 0;
            continue;
        }
        if (signalCount.load() > 0 || (alsoStop && alsoStop())) {
            source_.request_stop();
        }
        sayWhenSlow();
    }
}

void StopSignals::sayWhenSlow() {
    using Clock = std::chrono::steady_clock;
    if (!source_.stop_requested() || isSaid_) {
        return;
    }
    if (asked_ == Clock::time_point()) {
        asked_ = Clock::now();
    }
    isSaid_ = Clock::now() - asked_ >= kPatience;
    if (isSaid_) {
        std::fprintf(stderr,
                     "%scaldera: Stopping as soon as the step at work is done. A second signal "
                     "(Ctrl+C) ends it at once.\n",
                     ::isatty(STDERR_FILENO) == 1 ? kClearLine : "");
    }
}

} // namespace caldera::cli
