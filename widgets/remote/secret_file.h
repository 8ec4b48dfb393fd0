// Secrets in a .env file, as people keep them: NAME=value, one a line.
#pragma once

#include <QByteArray>
#include <QMap>
#include <QString>

namespace caldera::studio {

/// The variables of a .env file; of a name that comes twice the last one counts. Takes `export `
/// in front, spaces around "=", comments, single quotes (literal), double quotes (with \n, \t, \",
/// \\ and \$), CRLF and a byte order mark; nothing is expanded. Throws Error("secret.file") with
/// `origin` and the line; no sentence holds a value.
QMap<QString, QString> parseEnvFile(const QByteArray& text, const QString& origin);

/// Reads and parses a file of at most 1 MiB. Not on the GUI thread. Throws Error("file.*") too.
QMap<QString, QString> readEnvFile(const QString& path);

} // namespace caldera::studio
