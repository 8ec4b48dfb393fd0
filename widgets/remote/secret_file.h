// Secrets in a .env file, as people keep them: NAME=value, one a line.
#pragma once

#include <QByteArray>
#include <QMap>
#include <QString>
#include <QStringList>

namespace caldera::studio {

struct EnvFile {
    QMap<QString, QString> variables; ///< of a name that comes twice the last one counts
    QStringList skipped;              ///< "line 3 (no assignment)", never with what stands there
};

/// What is understood of a .env file. Takes `export ` in front, spaces around "=", comments, single
/// quotes (literal), double quotes (with \n, \t, \", \\ and \$), CRLF and a byte order mark;
/// nothing is expanded.
EnvFile parseEnvFile(const QByteArray& text);

/// Reads and parses a file of at most 1 MiB. Not on the GUI thread. Throws Error("file.*").
EnvFile readEnvFile(const QString& path);

/// The lines that were not understood as a sentence, of many only the first; empty without any.
QString skippedSentence(const EnvFile& file);

} // namespace caldera::studio
