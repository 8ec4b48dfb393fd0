#include "tests/gui/remote/local_slurm.h"

#include <algorithm>
#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>

#include <QDir>
#include <QFile>
#include <QRandomGenerator>
#include <QSysInfo>
#include <QTcpServer>
#include <QTest>

#include <gtest/gtest.h>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

int freePort() {
    QTcpServer server;
    server.listen(QHostAddress::LocalHost);
    return server.serverPort();
}

void write(const QString& path, const QByteArray& text, QFile::Permissions permissions) {
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.setPermissions(permissions);
    file.write(text);
}

} // namespace

LocalSlurm::LocalSlurm() {
    EXPECT_EQ(::geteuid(), 0U) << "SLURM's daemons need root: run this test in a container";
    for (const char16_t* name : {u"state", u"spool", u"log", u"munge"})
        QDir(folder_.path()).mkdir(QString::fromUtf16(name));
    QByteArray key(1024, '\0');
    QRandomGenerator::securelySeeded().fillRange(reinterpret_cast<quint32*>(key.data()),
                                                 key.size() / 4);
    const QString munge = folder_.filePath(u"munge"_s);
    QFile::setPermissions(munge, QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
    write(munge + "/key"_L1, key, QFile::ReadOwner | QFile::WriteOwner);
    writeConfig();
    start(u"munged"_s, {u"--foreground"_s, u"--force"_s, "--key-file="_L1 + munge + "/key"_L1,
                        "--socket="_L1 + munge + "/s"_L1, "--pid-file="_L1 + munge + "/pid"_L1,
                        "--log-file="_L1 + munge + "/log"_L1,
                        "--seed-file="_L1 + munge + "/seed"_L1, u"--num-threads=2"_s});
    EXPECT_TRUE(QTest::qWaitFor([&] { return QFile::exists(munge + "/s"_L1); }, 20000));
    start(u"slurmctld"_s, {u"-D"_s, u"-c"_s});
    start(u"slurmd"_s, {u"-D"_s, u"-c"_s});
    const bool isUp = QTest::qWaitFor(
        [this] {
            return run(u"sinfo"_s, {u"-h"_s, u"-o"_s, u"%T"_s}).startsWith("idle");
        },
        60000);
    EXPECT_TRUE(isUp) << run(u"sinfo"_s, {}).toStdString();
}

LocalSlurm::~LocalSlurm() {
    run(u"scancel"_s, {u"--user=root"_s, u"--signal=KILL"_s});
    run(u"scancel"_s, {u"--user=root"_s});
    EXPECT_TRUE(QTest::qWaitFor([this] { return run(u"squeue"_s, {u"-h"_s}).isEmpty(); }, 20000));
    while (!daemons_.empty()) { // the node first, the keys last
        daemons_.back()->terminate();
        if (!daemons_.back()->waitForFinished(10000))
            daemons_.back()->kill();
        daemons_.pop_back();
    }
}

void LocalSlurm::restart(const QString& daemon, int pause) {
    const auto found = std::find_if(daemons_.begin(), daemons_.end(), [&](const auto& each) {
        return each->program().endsWith(u'/' + daemon);
    });
    ASSERT_NE(found, daemons_.end());
    (*found)->kill();
    (*found)->waitForFinished();
    QTest::qWait(pause);
    const auto place = found - daemons_.begin();
    daemons_.erase(found);
    start(daemon, {u"-D"_s});
    std::rotate(daemons_.begin() + place, daemons_.end() - 1, daemons_.end()); // they end in order
}

void LocalSlurm::start(const QString& program, const QStringList& arguments) {
    auto process = std::make_unique<QProcess>();
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(u"SLURM_CONF"_s, config());
    process->setProcessEnvironment(environment);
    process->setChildProcessModifier([] { ::prctl(PR_SET_PDEATHSIG, SIGKILL); });
    process->setStandardOutputFile(folder_.filePath("log/"_L1 + program), QIODevice::Append);
    process->setStandardErrorFile(folder_.filePath("log/"_L1 + program), QIODevice::Append);
    process->start("/usr/sbin/"_L1 + program, arguments);
    EXPECT_TRUE(process->waitForStarted()) << "install " << program.toStdString();
    daemons_.push_back(std::move(process));
}

void LocalSlurm::writeConfig() const {
    const QString host = QSysInfo::machineHostName().section(u'.', 0, 0);
    const QString text = u"ClusterName=test\nSlurmctldHost=%1(127.0.0.1)\nSlurmUser=root\n"
                         "SlurmdUser=root\nSlurmctldPort=%3\nSlurmdPort=%4\nAuthType=auth/munge\n"
                         "AuthInfo=socket=%2/munge/s\nStateSaveLocation=%2/state\n"
                         "SlurmdSpoolDir=%2/spool\nSlurmctldPidFile=%2/ctld.pid\n"
                         "SlurmdPidFile=%2/d.pid\nProctrackType=proctrack/linuxproc\n"
                         "TaskPlugin=task/none\nSelectType=select/cons_tres\n"
                         "SelectTypeParameters=CR_Core\nReturnToService=2\nMpiDefault=none\n"
                         "JobRequeue=1\nKillWait=1\nSchedulerParameters=sched_interval=1,"
                         "batch_sched_delay=0,requeue_delay=1\n"
                         "NodeName=%1 NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN\n"
                         "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP "
                         "OverSubscribe=FORCE:4\n"_s.arg(host, folder_.path())
                             .arg(freePort())
                             .arg(freePort());
    write(config(), text.toUtf8(), QFile::ReadOwner | QFile::WriteOwner);
}

QByteArray LocalSlurm::run(const QString& program, const QStringList& arguments) const {
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(u"SLURM_CONF"_s, config());
    process.setProcessEnvironment(environment);
    process.start(program, arguments);
    process.waitForFinished(20000);
    return process.readAllStandardOutput();
}

} // namespace caldera::studio
