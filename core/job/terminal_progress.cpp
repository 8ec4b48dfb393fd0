#include "core/job/terminal_progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include "core/base/text.h"

namespace caldera {

namespace {
constexpr auto kMovingInterval = std::chrono::milliseconds(100);
constexpr int64_t kBarWidth = 20;
constexpr const char* kClearLine = "\r\033[K";
} // namespace

std::string progressLine(const std::string& stage, int64_t done, int64_t total, double etaSeconds) {
    const int64_t whole = std::max<int64_t>(total, 1);
    const int64_t part = std::clamp<int64_t>(done, 0, whole);
    const auto filled = static_cast<size_t>(part * kBarWidth / whole);
    std::string line = stage + "  [" + std::string(filled, '#') +
                       std::string(static_cast<size_t>(kBarWidth) - filled, '-') + "]  " +
                       std::to_string(part * 100 / whole) + " %";
    if (etaSeconds >= 0) {
        line += "  eta " + durationText(etaSeconds);
    }
    return line;
}

TerminalProgress::TerminalProgress(std::chrono::milliseconds plainInterval)
    : interval_(plainInterval), moving_(::isatty(STDERR_FILENO) == 1) {
    if (moving_) {
        interval_ = kMovingInterval;
    }
}

TerminalProgress::~TerminalProgress() {
    clear();
}

void TerminalProgress::stage(const std::string& name) {
    const std::scoped_lock guard(mutex_);
    stage_ = name;
    eta_ = EtaClock();
    drawn_ = moving_ ? std::chrono::steady_clock::time_point() : std::chrono::steady_clock::now();
    print(name);
}

void TerminalProgress::advance(int64_t done, int64_t total) {
    const std::scoped_lock guard(mutex_);
    const double eta = eta_.update(done, total);
    const auto now = std::chrono::steady_clock::now();
    const bool isDue = now - drawn_ >= interval_;
    if (!isDue && (!moving_ || done < total)) {
        return;
    }
    drawn_ = now;
    if (!moving_) {
        print(progressLine(stage_, done, total, eta));
        return;
    }
    lineShown_ = true;
    std::fprintf(stderr, "%s%s", kClearLine, progressLine(stage_, done, total, eta).c_str());
    std::fflush(stderr);
}

void TerminalProgress::event(const std::string& kind, nlohmann::json fields) {
    if (kind == "log" && fields.contains("message")) {
        const std::scoped_lock guard(mutex_);
        print(fields["message"].get<std::string>());
    }
}

void TerminalProgress::clear() {
    const std::scoped_lock guard(mutex_);
    if (lineShown_) {
        std::fputs(kClearLine, stderr);
        lineShown_ = false;
    }
}

void TerminalProgress::print(const std::string& sentence) {
    std::fprintf(stderr, "%s%s\n", lineShown_ ? kClearLine : "", sentence.c_str());
    lineShown_ = false;
}

} // namespace caldera
