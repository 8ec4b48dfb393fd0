#include "widgets/remote/host_key.h"

#include <QCryptographicHash>
#include <QFile>
#include <QTemporaryDir>

#include "core/base/file.h"
#include "widgets/remote/askpass.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kLimit = std::chrono::seconds(60);

/// The keys in a known_hosts file, without the names before them.
QStringList keysIn(const QString& file) {
    QStringList keys;
    QFile known(file);
    if (known.open(QIODevice::ReadOnly)) {
        for (const QByteArray& line : known.readAll().split('\n')) {
            const QStringList words = QString::fromUtf8(line).split(u' ', Qt::SkipEmptyParts);
            if (words.size() >= 3) {
                keys.append(words[1] + u' ' + words[2]);
            }
        }
    }
    return keys;
}

} // namespace

QStringList probeHostKeys(const SshEndpoint& endpoint, Askpass* askpass,
                          const std::stop_token& stop) {
    const QTemporaryDir folder(u"/tmp/caldera-key-XXXXXX"_s);
    const SshFiles files{folder.filePath(u"config"_s), folder.filePath(u"known"_s), u"none"_s};
    writeFileAtomically(files.config.toStdString(), sshConfig(endpoint, files).toStdString());
    // ssh itself and not ssh-keyscan: it knows the way through jump hosts and ~/.ssh/config.
    ProcessCall call{u"ssh"_s,
                     {u"-F"_s, files.config, u"-o"_s, u"StrictHostKeyChecking=accept-new"_s,
                      u"-o"_s, u"HashKnownHosts=no"_s, u"-o"_s, u"PreferredAuthentications=none"_s,
                      u"-o"_s, u"BatchMode=yes"_s, sshAlias(endpoint), u"true"_s}};
    call.limit = kLimit;
    if (askpass != nullptr) {
        askpass->addTo(call.environment);
    }
    const ProcessResult result = runProcess(call, stop);
    QStringList keys = keysIn(files.knownHosts);
    if (keys.isEmpty()) {
        if (result.err.contains("Host key verification failed")) {
            throw Error("remote.jump-key",
                        "The key of a host on the way to " + endpoint.host.toStdString() +
                            " is not in ~/.ssh/known_hosts. Log in there once with ssh and "
                            "compare its fingerprint.");
        }
        throw ConnectionError(endpoint.host.toStdString() +
                              " cannot be reached: " + lastLine(result.err).toStdString() + ".");
    }
    return keys;
}

QString fingerprint(const QString& hostKey) {
    const QByteArray key = QByteArray::fromBase64(hostKey.section(u' ', 1, 1).toLatin1());
    if (key.isEmpty()) {
        return {};
    }
    const QByteArray hash = QCryptographicHash::hash(key, QCryptographicHash::Sha256);
    return "SHA256:"_L1 + QString::fromLatin1(hash.toBase64(QByteArray::OmitTrailingEquals));
}

} // namespace caldera::studio
