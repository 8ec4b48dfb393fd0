#include "tests/gui/remote/loopback_sshd.h"

#include <algorithm>
#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>

#include <QDir>
#include <QFile>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTest>

#include <gtest/gtest.h>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

void write(const QString& path, const QByteArray& text) {
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly | QIODevice::Truncate));
    file.write(text);
}

QByteArray read(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

QList<qint64> childrenOf(qint64 parent) {
    QList<qint64> children;
    for (const QString& name : QDir(u"/proc"_s).entryList(QDir::Dirs)) {
        const QByteArray stat = read(u"/proc/%1/stat"_s.arg(name));
        const QList<QByteArray> words = stat.mid(stat.lastIndexOf(')') + 2).split(' ');
        if (words.size() > 1 && words[1].toLongLong() == parent)
            children.append(name.toLongLong());
    }
    return children;
}

QList<qint64> processesWith(const QByteArrayList& words) {
    QList<qint64> found;
    for (const QString& name : QDir(u"/proc"_s).entryList(QDir::Dirs)) {
        const QByteArray line =
            name.toInt() > 0 ? read(u"/proc/%1/cmdline"_s.arg(name)) : QByteArray();
        if (!line.isEmpty() && std::all_of(words.begin(), words.end(), [&line](const auto& word) {
                return line.contains(word);
            }))
            found.append(name.toInt());
    }
    return found;
}

LoopbackSshd::LoopbackSshd(QByteArrayList variables, QString address)
    : variables_(std::move(variables)), address_(std::move(address)) {
    qputenv("CALDERA_ASKPASS", ASKPASS_PROGRAM);
    makeKey(u"host"_s, {});
    makeKey(u"user"_s, {});
    makeKey(u"locked"_s, u"open sesame"_s);
    write(folder_.filePath(u"authorized"_s),
          read(folder_.filePath(u"user.pub"_s)) + read(folder_.filePath(u"locked.pub"_s)));
    QTcpServer probe;
    probe.listen(QHostAddress(address_));
    port_ = probe.serverPort();
    probe.close();
    if (::geteuid() == 0)
        QDir().mkpath(u"/run/sshd"_s); // where sshd, as root, wants to confine itself
    start();
}

LoopbackSshd::~LoopbackSshd() {
    stop();
}

void LoopbackSshd::makeKey(const QString& name, const QString& passphrase) const {
    QProcess process;
    process.start(u"ssh-keygen"_s, {u"-q"_s, u"-t"_s, u"ed25519"_s, u"-C"_s, u"test"_s, u"-N"_s,
                                    passphrase, u"-f"_s, folder_.filePath(name)});
    ASSERT_TRUE(process.waitForFinished()) << "install openssh-client";
    ASSERT_EQ(process.exitCode(), 0);
}

void LoopbackSshd::start() {
    // Artifacts are the same for the same number of threads, and the program here has it from
    // there.
    const QByteArray threads = qgetenv("OMP_NUM_THREADS");
    const QByteArray ofThreads = threads.isEmpty() ? threads : "OMP_NUM_THREADS=" + threads + ' ';
    const QString config = folder_.filePath(u"sshd_config"_s);
    write(config,
          u"ListenAddress %4:%1\nHostKey %2/host\nAuthorizedKeysFile %2/authorized\n"
          "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
          "PermitRootLogin yes\nMaxStartups 50\nMaxSessions 50\nSetEnv "
          "XDG_STATE_HOME=%2/state XDG_CACHE_HOME=%2/cache %3\n"_s.arg(port_)
              .arg(folder_.path(), QString::fromUtf8(ofThreads + variables_.join(' ')), address_)
              .toUtf8());
    server_ = std::make_unique<QProcess>();
    server_->setChildProcessModifier([] { ::prctl(PR_SET_PDEATHSIG, SIGKILL); });
    server_->setStandardErrorFile(folder_.filePath(u"sshd.log"_s), QIODevice::Append);
    server_->start(u"/usr/sbin/sshd"_s, {u"-D"_s, u"-e"_s, u"-f"_s, config});
    ASSERT_TRUE(server_->waitForStarted()) << "install openssh-server";
    const bool listens = QTest::qWaitFor(
        [this] {
            QTcpSocket socket;
            socket.connectToHost(QHostAddress(address_), static_cast<quint16>(port_));
            return socket.waitForConnected(200);
        },
        20000);
    ASSERT_TRUE(listens) << read(folder_.filePath(u"sshd.log"_s)).toStdString();
}

void LoopbackSshd::stop() {
    if (!server_)
        return;
    const QList<qint64> sessions = childrenOf(server_->processId());
    server_->kill();
    server_->waitForFinished();
    server_.reset();
    for (const qint64 session : sessions)
        ::kill(static_cast<pid_t>(session), SIGKILL);
}

void LoopbackSshd::dropSessions() {
    for (const qint64 session : childrenOf(server_->processId()))
        ::kill(static_cast<pid_t>(session), SIGKILL);
}

void LoopbackSshd::letInAs(const LoopbackSshd& other) const {
    write(folder_.filePath(u"authorized"_s), read(other.folder_.filePath(u"authorized"_s)));
}

void LoopbackSshd::changeHostKey() {
    QFile::remove(folder_.filePath(u"host"_s));
    QFile::remove(folder_.filePath(u"host.pub"_s));
    makeKey(u"host"_s, {});
}

QString LoopbackSshd::hostKey() const {
    return QString::fromUtf8(read(folder_.filePath(u"host.pub"_s))).section(u' ', 0, 1);
}

Target LoopbackSshd::target() const {
    Target target;
    target.kind = TargetKind::Ssh;
    target.name = u"loopback"_s;
    target.ssh.host = address_;
    target.ssh.port = port_;
    target.ssh.identityFile = folder_.filePath(u"user"_s);
    target.ssh.hostKeys = {hostKey()};
    target.folder = folder_.filePath(u"jobs"_s);
    target.worker = QStringLiteral(CALDERA_PROGRAM);
    return target;
}

} // namespace caldera::studio
