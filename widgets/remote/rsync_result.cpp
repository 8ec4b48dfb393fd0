#include "widgets/remote/rsync_result.h"

#include <algorithm>
#include <iterator>

#include "widgets/remote/process.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

bool isConnectionCode(int code) {
    // Protocol, socket, stream, signal, timeouts, ssh.
    constexpr int kCodes[] = {-1, 2, 5, 10, 12, 20, 30, 35, 255};
    return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

QString rsyncReason(const QByteArray& err, int code) {
    if (err.trimmed().isEmpty()) {
        return u"rsync ended with exit code %1"_s.arg(code);
    }
    QByteArrayList lines = err.trimmed().split('\n');
    while (lines.size() > 1 && lines.last().startsWith("rsync error:")) {
        lines.removeLast();
    }
    return lastLine(lines.join('\n'));
}

} // namespace caldera::studio
