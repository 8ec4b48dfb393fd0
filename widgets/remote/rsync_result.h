// What the end of rsync means.
#pragma once

#include <QByteArray>
#include <QString>

namespace caldera::studio {

/// Whether a connection causes this exit code, so that another attempt may succeed.
bool isConnectionCode(int code);

/// What rsync said went wrong: its last words before those that only sum up. Words of the other side
/// can be lost when that ends first; then its exit code.
QString rsyncReason(const QByteArray& err, int code);

} // namespace caldera::studio
