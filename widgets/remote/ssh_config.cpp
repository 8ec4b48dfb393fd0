#include "widgets/remote/ssh_config.h"

#include <algorithm>

#include "core/base/error.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kKeyAlias = "caldera-target"_L1;

[[noreturn]] void complain(const QString& part, const QString& came, const QString& needed) {
    throw Error("remote.endpoint",
                u"%1 \"%2\" cannot be used: %3 was needed. Correct it in the target."_s
                    .arg(part, came.left(100), needed)
                    .toStdString(),
                {{"part", part.toStdString()}, {"came", came.left(100).toStdString()}});
}

bool isNameLetter(QChar letter) {
    return letter.isLetterOrNumber() || u".-_:@[]%"_s.contains(letter);
}

/// A name that is no option, no pattern and no second word to ssh.
void checkName(const QString& part, const QString& name) {
    if (name.startsWith(u'-') || !std::all_of(name.begin(), name.end(), isNameLetter)) {
        complain(part, name, u"a name of letters, digits and . - _ :"_s);
    }
}

bool isWord(const QString& text) {
    return std::none_of(text.begin(), text.end(), [](QChar letter) {
        return letter == u'"' || letter.category() == QChar::Other_Control;
    });
}

} // namespace

void checkEndpoint(const SshEndpoint& endpoint) {
    if (endpoint.host.isEmpty()) {
        complain(u"The host"_s, endpoint.host, u"a name or an address"_s);
    }
    checkName(u"The host"_s, endpoint.host);
    checkName(u"The user"_s, endpoint.user);
    for (const QString& jump : endpoint.jumpHosts) {
        if (jump.isEmpty()) {
            complain(u"A jump host"_s, jump, u"[user@]host[:port]"_s);
        }
        checkName(u"The jump host"_s, jump);
    }
    if (!isWord(endpoint.identityFile)) {
        complain(u"The key file"_s, endpoint.identityFile, u"a path without quotation marks"_s);
    }
    for (const QString& key : endpoint.hostKeys) {
        if (!isWord(key) || key.count(u' ') != 1) {
            complain(u"The host key"_s, key, u"a type and a key"_s);
        }
    }
    if (endpoint.port < 0 || endpoint.port > 65535) {
        complain(u"The port"_s, QString::number(endpoint.port), u"a number up to 65535"_s);
    }
}

QString sshAlias(const SshEndpoint& endpoint) {
    // An address with colons would be taken for host:path by rsync.
    return endpoint.host.contains(u':') ? QString(kKeyAlias) : endpoint.host;
}

QByteArray sshConfig(const SshEndpoint& endpoint, const SshFiles& files) {
    checkEndpoint(endpoint);
    QStringList lines{u"Host "_s + sshAlias(endpoint)};
    const auto set = [&lines](QLatin1StringView name, const QString& value) {
        lines.append("    "_L1 + name + u' ' + value);
    };
    const auto quoted = [](const QString& path) { return u'"' + path + u'"'; };
    if (sshAlias(endpoint) != endpoint.host) {
        set("HostName"_L1, endpoint.host);
    }
    if (endpoint.port != 0) {
        set("Port"_L1, QString::number(endpoint.port));
    }
    if (!endpoint.user.isEmpty()) {
        set("User"_L1, endpoint.user);
    }
    if (!endpoint.identityFile.isEmpty()) {
        set("IdentityFile"_L1, quoted(endpoint.identityFile));
        set("IdentitiesOnly"_L1, u"yes"_s);
    }
    if (!endpoint.jumpHosts.isEmpty()) {
        set("ProxyJump"_L1, endpoint.jumpHosts.join(u','));
    }
    if (!endpoint.proxyCommand.isEmpty()) {
        set("ProxyCommand"_L1, endpoint.proxyCommand);
    }
    set("HostKeyAlias"_L1, kKeyAlias);
    set("UserKnownHostsFile"_L1, quoted(files.knownHosts));
    set("GlobalKnownHostsFile"_L1, u"/dev/null"_s);
    set("StrictHostKeyChecking"_L1, u"yes"_s);
    set("UpdateHostKeys"_L1, u"no"_s);
    set("ControlPath"_L1, quoted(files.control));
    set("RequestTTY"_L1, u"no"_s);
    set("RemoteCommand"_L1, u"none"_s);
    set("ForwardAgent"_L1, u"no"_s);
    set("ForwardX11"_L1, u"no"_s);
    lines.append(u"Match all"_s);
    set("ServerAliveInterval"_L1, u"5"_s);
    set("ServerAliveCountMax"_L1, u"3"_s);
    set("ConnectTimeout"_L1, u"15"_s);
    set("ControlPersist"_L1, u"no"_s);
    set("LogLevel"_L1, u"ERROR"_s);
    lines.append(u"Include ~/.ssh/config"_s);
    lines.append(u"Include /etc/ssh/ssh_config"_s);
    return lines.join(u'\n').toUtf8() + '\n';
}

QByteArray knownHosts(const SshEndpoint& endpoint) {
    checkEndpoint(endpoint);
    QByteArray text;
    for (const QString& key : endpoint.hostKeys) {
        text += QByteArray(kKeyAlias.data(), kKeyAlias.size()) + ' ' + key.toUtf8() + '\n';
    }
    return text;
}

} // namespace caldera::studio
