// One field of comma-separated values.
#pragma once

#include <QString>

namespace caldera::studio {

/// In quotes, so that commas, quotes and line ends stay inside (RFC 4180).
inline QString csvField(QString text) {
    return u'"' + text.replace(u'"', QStringLiteral("\"\"")) + u'"';
}

} // namespace caldera::studio
