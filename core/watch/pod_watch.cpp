#include "core/watch/pod_watch.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/pause.h"
#include "core/base/text.h"
#include "core/job/progress.h"
#include "core/job/watch_sign.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

constexpr double kSecondsPerHour = 3600;

double seconds(std::chrono::milliseconds span) {
    return std::chrono::duration<double>(span).count();
}

/// Seconds since the machine started, sleep included; no clock change moves it.
double bootSeconds() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Waits, unless a stop is requested: then it throws Cancelled.
void pause(std::chrono::milliseconds span, const std::stop_token& stop) {
    pauseFor(span, stop);
    checkCancelled(stop);
}

/// Changes whenever job or owner give a sign of life.
struct Signs {
    std::array<fs::file_time_type, 3> times{};
    uintmax_t eventBytes = 0;

    explicit Signs(const JobFolder& folder) {
        std::error_code missing;
        const std::array<fs::path, 3> files{folder.events(), folder.path() / "state.json",
                                            folder.path() / "attended"};
        for (size_t i = 0; i < files.size(); ++i) {
            times[i] = fs::last_write_time(files[i], missing);
        }
        eventBytes = fs::file_size(files.front(), missing);
    }
    bool operator==(const Signs&) const = default;
};

class Watch {
public:
    Watch(const JobFolder& folder, PodApi& api, const WatchLimits& limits,
          const std::stop_token& stop, const WatchVoice& voice)
        : folder_(folder), api_(api), limits_(limits), stop_(stop), voice_(voice), signs_(folder) {}

    WatchVerdict run() {
        WatchVerdict verdict = WatchVerdict::Keep;
        while (view_.costs && verdict == WatchVerdict::Keep) {
            look();
            showSign(WatchVerdict::Keep);
            verdict = watchVerdict(facts(), limits_);
            if (view_.costs && verdict == WatchVerdict::Keep) {
                pause(limits_.every, stop_);
            }
        }
        if (!view_.costs) {
            voice_.say("somebody else has stopped the pod");
            return verdict;
        }
        showSign(verdict);
        voice_.say(std::string("the pod stops: ") + watchVerdictText(verdict));
        endWorker();
        endPod();
        return verdict;
    }

private:
    void look() {
        const Signs now(folder_);
        if (now != signs_) {
            signs_ = now;
            lastSign_ = bootSeconds();
        }
        try {
            const double priceBefore = view_.hourlyPrice;
            view_ = api_.look();
            if (view_.costs && view_.hourlyPrice <= 0) {
                view_.hourlyPrice = priceBefore; // not told: as before
            }
            lookedAt_ = bootSeconds();
            sign_.code.clear();
            sign_.sentence.clear();
        } catch (const Error& error) {
            if (sign_.sentence != error.what()) { // once, not at every look
                voice_.say(error.what());
            }
            sign_.code = error.code();
            sign_.sentence = error.what();
        }
        sign_.hasLooked = true;
    }

    /// Only when something changed: the folder lies on a network volume.
    void showSign(WatchVerdict verdict) {
        sign_.verdict = verdict == WatchVerdict::Keep ? "" : watchVerdictText(verdict);
        if (voice_.sign.empty() || sign_ == shown_) {
            return;
        }
        try {
            writeFileAtomically(voice_.sign, watchSignText(sign_));
            shown_ = sign_;
        } catch (const Error& error) {
            voice_.say(error.what()); // costs end also where the disk is full
        }
    }

    WatchFacts facts() const {
        WatchFacts facts;
        const double rented = view_.rentedSeconds + bootSeconds() - lookedAt_;
        facts.hourlyPrice = view_.hourlyPrice;
        facts.spent = rented * view_.hourlyPrice / kSecondsPerHour;
        facts.quietSeconds = bootSeconds() - lastSign_;
        try {
            const std::string phase = folder_.visiblePhase();
            facts.jobOver =
                phase == "done" || phase == "failed" || phase == "cancelled" || phase == "lost";
        } catch (const Error&) {
            // A state that cannot be read does not move: it becomes idle.
        }
        return facts;
    }

    void endWorker() {
        if (!folder_.workerAlive()) {
            return;
        }
        folder_.requestCancel();
        const double end = bootSeconds() + seconds(limits_.farewell);
        while (folder_.workerAlive() && bootSeconds() < end) {
            pause(std::min(limits_.every, std::chrono::milliseconds(200)), stop_);
        }
        voice_.say(folder_.workerAlive()
                       ? "the worker did not stop in time; its finished cells stay"
                       : "the worker has stopped");
    }

    void endPod() {
        ::sync();
        while (view_.costs) {
            try {
                if (!api_.stop() && (view_ = api_.look()).costs) {
                    giveBack();
                }
                view_ = api_.look();
            } catch (const Error& error) {
                voice_.say(error.what());
            }
            if (view_.costs) {
                pause(limits_.every, stop_);
            }
        }
        voice_.say("the pod costs nothing any more");
    }

    void giveBack() {
        if (!view_.onVolume) {
            voice_.say(
                "the provider does not stop the pod, and without a network volume it is not given "
                "back: stop it in the provider's console");
            return;
        }
        voice_.say("the provider does not stop the pod: it is given back, and its volume stays");
        api_.giveBack();
    }

    const JobFolder& folder_;
    PodApi& api_;
    const WatchLimits& limits_;
    const std::stop_token& stop_;
    const WatchVoice& voice_;
    Signs signs_;
    PodView view_;
    double lookedAt_ = bootSeconds();
    double lastSign_ = bootSeconds();
    WatchSign sign_;
    WatchSign shown_; ///< what the file says
};

} // namespace

WatchVerdict watchVerdict(const WatchFacts& facts, const WatchLimits& limits) {
    const double ahead = seconds(limits.every) + seconds(limits.farewell);
    const double untilEnd = facts.hourlyPrice * ahead / kSecondsPerHour;
    if (limits.budget > 0 && facts.spent + untilEnd >= limits.budget) {
        return WatchVerdict::Budget;
    }
    if (facts.jobOver) {
        return facts.quietSeconds >= limits.fetchSeconds ? WatchVerdict::Completed
                                                         : WatchVerdict::Keep;
    }
    return facts.quietSeconds >= limits.idleSeconds ? WatchVerdict::Idle : WatchVerdict::Keep;
}

const char* watchVerdictText(WatchVerdict verdict) {
    switch (verdict) {
    case WatchVerdict::Keep:
        return "ended elsewhere";
    case WatchVerdict::Completed:
        return "completed";
    case WatchVerdict::Idle:
        return "idle";
    case WatchVerdict::Budget:
        return "budget";
    }
    return "";
}

WatchVerdict watchPod(const JobFolder& folder, PodApi& api, const WatchLimits& limits,
                      const std::stop_token& stop, const WatchVoice& voice) {
    return Watch(folder, api, limits, stop, voice).run();
}

std::vector<std::string> variableIn(const std::string& environment, const std::string& name) {
    const std::string beginning = name + '=';
    for (size_t start = 0; start < environment.size();) {
        const size_t end = std::min(environment.find('\0', start), environment.size());
        if (environment.compare(start, beginning.size(), beginning) == 0 &&
            end > start + beginning.size()) {
            return {environment.substr(start + beginning.size(), end - start - beginning.size())};
        }
        start = end + 1;
    }
    return {};
}

} // namespace caldera
