#include "widgets/remote/sent_script.h"

#include "core/base/file.h"
#include "core/base/paths.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {
constexpr size_t kLongestScript = 1 << 20;
}

SentScript sentScript(const char* name, const QStringList& options, const QByteArray& rest) {
    const QByteArray script = QByteArray::fromStdString(
        readTextFile(resourcesFolder() / "worker" / name, kLongestScript));
    QString command = u"f=$(mktemp) && head -c %1 >\"$f\" && sh \"$f\""_s.arg(script.size());
    for (const QString& option : options) {
        command += u' ' + shellWord(option);
    }
    return {command + u"; r=$?; rm -f \"$f\"; exit $r"_s, script + rest};
}

} // namespace caldera::studio
