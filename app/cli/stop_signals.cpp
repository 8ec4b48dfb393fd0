#include "app/cli/stop_signals.h"

#include <csignal>
#include <ctime>
#include <unistd.h>
#include <utility>

namespace caldera::cli {

namespace {

constexpr int kCancelledExit = 130;
constexpr timespec kInterval{0, 200'000'000};

/// SIGUSR1 only wakes the thread when the command has ended.
sigset_t watchedSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
        sigaddset(&signals, signal);
    }
    return signals;
}

} // namespace

StopSignals::StopSignals(std::function<bool()> alsoStop) {
    const sigset_t signals = watchedSignals();
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    thread_ = std::jthread(
        [this, also = std::move(alsoStop)](const std::stop_token& ended) { watch(ended, also); });
}

StopSignals::~StopSignals() {
    thread_.request_stop();
    ::pthread_kill(thread_.native_handle(), SIGUSR1);
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
    const sigset_t signals = watchedSignals();
    while (!ended.stop_requested()) {
        const int signal = ::sigtimedwait(&signals, nullptr, &kInterval);
        if (signal == SIGINT && isIntercepted()) {
            continue;
        }
        if (signal == SIGINT || signal == SIGTERM) {
            if (source_.stop_requested()) {
                ::_exit(kCancelledExit);
            }
            source_.request_stop();
        } else if (!source_.stop_requested() && alsoStop && alsoStop()) {
            source_.request_stop();
        }
    }
}

} // namespace caldera::cli
