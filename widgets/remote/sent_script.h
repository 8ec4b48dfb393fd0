// Scripts of ours that run on hosts where nothing of ours is yet.
#pragma once

#include <QByteArray>
#include <QString>
#include <QStringList>

namespace caldera::studio {

/// A command that takes the script from its standard input, and what is to be written there.
struct SentScript {
    QString command;
    QByteArray input;
};

/// `name`: of a file in resources/worker. `rest`: what the script itself finds on its standard
/// input, which is where secrets belong.
SentScript sentScript(const char* name, const QStringList& options, const QByteArray& rest = {});

} // namespace caldera::studio
