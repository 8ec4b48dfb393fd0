// Progress on stderr: one line that moves on a terminal; elsewhere one line per stage, and one now
// and then in a long stage.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "core/job/progress.h"

namespace caldera {

class TerminalProgress final : public Progress {
public:
    /// `plainInterval`: between two lines where stderr is no terminal.
    explicit TerminalProgress(std::chrono::milliseconds plainInterval = std::chrono::seconds(15));
    ~TerminalProgress() override;
    TerminalProgress(const TerminalProgress&) = delete;
    TerminalProgress& operator=(const TerminalProgress&) = delete;

    void stage(const std::string& name) override;
    void advance(int64_t done, int64_t total) override;
    /// Prints "log" sentences; the other kinds are for programs.
    void event(const std::string& kind, nlohmann::json fields) override;

    /// Removes the moving line, so that other text can be printed.
    void clear();

private:
    void print(const std::string& sentence);

    std::mutex mutex_;
    std::chrono::milliseconds interval_;
    bool moving_; ///< stderr is a terminal
    bool lineShown_ = false;
    std::string stage_;
    EtaClock eta_;
    std::chrono::steady_clock::time_point drawn_{};
};

/// "calibrating  [#####---------------]  25 %  eta 1 min 5 s"
std::string progressLine(const std::string& stage, int64_t done, int64_t total, double etaSeconds);

} // namespace caldera
