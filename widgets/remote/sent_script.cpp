#include "widgets/remote/sent_script.h"

#include <chrono>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {
constexpr size_t kLongestScript = 1 << 20;
constexpr auto kEndLimit = std::chrono::seconds(10);
} // namespace

SentScript sentScript(const char* name, const QStringList& options, const QByteArray& rest) {
    const QByteArray script = QByteArray::fromStdString(
        readTextFile(resourcesFolder() / "worker" / name, kLongestScript));
    // A connection that breaks may bring a part of the script, which must not run.
    QString command =
        u"f=$(mktemp) && head -c %1 >\"$f\" && test $(wc -c <\"$f\") -eq %1 && sh \"$f\""_s.arg(
            script.size());
    for (const QString& option : options) {
        command += u' ' + shellWord(option);
    }
    return {command + u"; r=$?; rm -f \"$f\"; exit $r"_s, script + rest};
}

QString sakeOption(const QString& sake) {
    return "--for="_L1 + sake;
}

void endScripts(const SshSession& session, const QString& sake) {
    const QString command = processSearch(sakeOption(sake)) + " | cut -d/ -f3 | xargs -r kill"_L1;
    try {
        session.run(command, {}, {}, kEndLimit);
    } catch (const Error&) {
        // Nobody hears us there.
    }
}

} // namespace caldera::studio
