#include "widgets/remote/pod_watchdog.h"

#include <chrono>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "core/job/progress.h"
#include "widgets/remote/pod_access.h"
#include "widgets/remote/remote_launch.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr auto kStartPatience = std::chrono::minutes(2); // its program comes from a network volume
constexpr auto kNamePatience = std::chrono::seconds(10);
constexpr auto kLog = "watch.log"_L1;
constexpr auto kAliveWord = "alive\n";

QString number(double value) {
    return QString::number(value, 'f', 4);
}

/// One that cannot stop the pod is as good as none.
void refuseHelpless(const WatchSign& sign) {
    if (sign.code == "watch.refused") {
        throw Error("pod.watchdog", "The watchdog on the pod may not stop it, so nothing would "
                                    "bound what the pod costs: " +
                                        sign.sentence);
    }
}

} // namespace

QString PodWatchdog::file(const QString& name) const {
    return shellWord(place_.folder + u'/' + name);
}

QString PodWatchdog::signFile() const {
    return file(QString::fromStdString(watchSignName(podId_.toStdString())));
}

/// Whether its process runs, and what it says of itself; after the command `first`.
PodWatchdog::Look PodWatchdog::look(const std::stop_token& stop, const QString& first) const {
    const QString command =
        first + u"test -z \"$(%1 | xargs -r grep -lzxF -e %2 2>/dev/null)\" || echo alive; "
                "cat %3 2>/dev/null || true"_s.arg(processSearch(u"watch-pod"_s),
                                                   shellWord(place_.folder), signFile());
    const QByteArray words = place_.session.require(command, "pod.watchdog", stop);
    Look seen;
    seen.isAlive = words.startsWith(kAliveWord);
    const qsizetype begin = words.indexOf('{');
    if (begin >= 0) {
        seen.sign = parseWatchSign(words.mid(begin).toStdString());
    }
    return seen;
}

WatchSign PodWatchdog::sign(const std::stop_token& stop) const {
    return look(stop).sign;
}

void PodWatchdog::start(const std::stop_token& stop) const {
    // The shell reads the key before it ends: a stream that closes with it could lose it.
    const QString command =
        u"rm -f %10; IFS= read -r key; printf '%s\\n' \"$key\" | setsid -f %1 watch-pod %2 --pod "
        "%3 --url %4 --budget %5 --idle-minutes %6 --fetch-minutes %7 --every %8 --farewell %9 "
        ">>%11 2>&1"_s
            .arg(place_.worker, shellWord(place_.folder), shellWord(podId_), shellWord(watch_.api),
                 number(watch_.budget), number(watch_.idleMinutes), number(watch_.fetchMinutes),
                 number(watch_.every), number(watch_.farewell))
            .arg(signFile(), file(kLog));
    place_.session.require(command, "pod.watchdog", stop, watch_.key + '\n');
}

void PodWatchdog::fail(const std::stop_token& stop) const {
    const QString words = lastLine(place_.session.run("tail -n 1 "_L1 + file(kLog), stop).out);
    throw Error("pod.watchdog",
                "The watchdog on the pod does not run, so nothing would bound what the pod costs "
                "while this machine is away: " +
                    (words.isEmpty() ? std::string("it said nothing.") : words.toStdString()));
}

void PodWatchdog::ensure(const std::stop_token& stop) const {
    Look seen = look(stop);
    if (!seen.isAlive) {
        start(stop);
        const auto begun = Clock::now();
        seen = look(stop);
        // Its process has not its name at once. One that has decided already, because the budget is
        // spent, may be over again.
        while (!seen.sign.hasLooked &&
               Clock::now() <
                   begun + (seen.isAlive ? Clock::duration(kStartPatience) : kNamePatience)) {
            pauseFor(kLookEvery, stop);
            checkCancelled(stop);
            seen = look(stop);
        }
        if (!seen.isAlive && !seen.sign.hasLooked) {
            fail(stop);
        }
    }
    refuseHelpless(seen.sign);
}

void PodWatchdog::attend(const std::stop_token& stop) const {
    if (!look(stop, ": > "_L1 + file(u"attended"_s) + "; "_L1).isAlive) {
        ensure(stop);
    }
}

} // namespace caldera::studio
