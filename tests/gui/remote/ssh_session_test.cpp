#include "widgets/remote/ssh_session.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "tests/gui/remote/loopback_sshd.h"
#include "tests/support/code_of.h"
#include "widgets/remote/askpass.h"
#include "widgets/remote/host_key.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/sent_script.h"
#include "widgets/remote/target_check.h"
#include "widgets/remote/verified_fetch.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using caldera::test::codeOf;
namespace fs = std::filesystem;

class SshSessionTest : public ::testing::Test {
protected:
    std::string connectCode(const SshEndpoint& endpoint, Askpass* askpass = nullptr) {
        return codeOf([&] {
            SshSession session(endpoint);
            session.connect(askpass, {});
        });
    }
    fs::path path(const char* name) const {
        return fs::path(server_.folder().toStdString()) / name;
    }

    LoopbackSshd server_;
    std::stop_token never_;
};

TEST_F(SshSessionTest, ShowsTheKeyOfTheHostBeforeAnyLogin) {
    SshEndpoint endpoint = server_.target().ssh;
    endpoint.hostKeys.clear();
    const QStringList keys = probeHostKeys(endpoint, nullptr, never_);
    EXPECT_EQ(keys, QStringList{server_.hostKey()});
    QProcess keygen;
    keygen.start(u"ssh-keygen"_s, {u"-lf"_s, server_.folder() + "/host.pub"_L1});
    ASSERT_TRUE(keygen.waitForFinished());
    EXPECT_TRUE(keygen.readAllStandardOutput().contains(fingerprint(keys.first()).toUtf8()));
    EXPECT_EQ(fingerprint(u"nonsense"_s), QString());
    server_.stop();
    EXPECT_EQ(codeOf([&] { probeHostKeys(endpoint, nullptr, never_); }), "remote.connection");
}

TEST_F(SshSessionTest, LogsInNowhereWithoutAConfirmedKey) {
    SshEndpoint endpoint = server_.target().ssh;
    EXPECT_EQ(connectCode(endpoint), "");
    endpoint.hostKeys.clear();
    EXPECT_EQ(connectCode(endpoint), "remote.host-key-unknown");
    server_.stop();
    EXPECT_EQ(connectCode(server_.target().ssh), "remote.connection");
    const Target before = server_.target();
    server_.changeHostKey();
    server_.start();
    EXPECT_EQ(connectCode(before.ssh), "remote.host-key-changed");
    EXPECT_EQ(connectCode(server_.target().ssh), "");
}

TEST_F(SshSessionTest, PassesWordsInputAndExitCodesThrough) {
    SshSession session(server_.target().ssh);
    session.connect(nullptr, {});
    const QString odd = u"a 'b' \"c\" $HOME `id` \\ ;&|<> *"_s;
    EXPECT_EQ(session.require("printf %s "_L1 + shellWord(odd), "x", {}), odd.toUtf8());
    EXPECT_EQ(session.require(u"cat"_s, "x", {}, QByteArray("\0\n\xff", 3)),
              QByteArray("\0\n\xff", 3));
    EXPECT_EQ(session.run(u"echo no >&2; exit 7"_s, {}).exitCode, 7);
    EXPECT_EQ(codeOf([&] { session.require(u"exit 1"_s, "my.code", {}); }), "my.code");
    server_.dropSessions();
    EXPECT_EQ(codeOf([&] { session.run(u"true"_s, {}); }), "remote.connection");
}

TEST(SshSessionWithBash, AProgramThatCrashesThereIsNoBrokenConnection) {
    // In the place of sh, as many systems have it: its last command takes its own place.
    const QTemporaryDir shells;
    ASSERT_TRUE(QFile::link(QStandardPaths::findExecutable(u"bash"_s), shells.filePath(u"sh"_s)));
    const LoopbackSshd server({"PATH=" + shells.path().toUtf8() + ":/usr/bin:/bin"});
    SshSession session(server.target().ssh);
    session.connect(nullptr, {});
    constexpr int kAsShellsTell = 128;
    const QString crash = u"bash -c 'kill -%1 $$'"_s;
    EXPECT_EQ(session.run(crash.arg(u"ILL"_s), {}).exitCode, kAsShellsTell + SIGILL);
    EXPECT_EQ(codeOf([&] { session.run(crash.arg(u"TERM"_s), {}); }), "remote.connection")
        << "as a machine does that goes down";
    const std::string worker = server.folder().toStdString() + "/worker";
    std::ofstream(worker) << "#!/bin/sh\nkill -ILL $$\n";
    fs::permissions(worker, fs::perms::owner_all);
    EXPECT_EQ(codeOf([&] { checkWorker(QString::fromStdString(worker), session, {}); }),
              "remote.worker");
}

TEST_F(SshSessionTest, AScriptThatCameInPartDoesNotRun) {
    SshSession session(server_.target().ssh);
    session.connect(nullptr, {});
    SentScript script = sentScript("install_worker.sh", {});
    script.input.truncate(script.input.indexOf("set -eu"));
    EXPECT_NE(session.run(script.command, {}, script.input).exitCode, 0);
}

TEST_F(SshSessionTest, AsksForAPassphraseAndKeepsItOutOfSight) {
    SshEndpoint endpoint = server_.target().ssh;
    endpoint.identityFile = server_.lockedKey();
    EXPECT_EQ(connectCode(endpoint), "remote.login");
    int questions = 0;
    QString question;
    Askpass right([&](const QString& text) -> std::optional<QString> {
        ++questions;
        question = text;
        return u"open sesame"_s;
    });
    SshSession session(endpoint);
    session.connect(&right, {});
    EXPECT_EQ(questions, 1);
    EXPECT_TRUE(question.contains(u"passphrase"_s)) << question.toStdString();
    // Everything after the login goes through the connection that is there.
    EXPECT_EQ(session.require(u"echo hello"_s, "x", {}), "hello\n");
    EXPECT_EQ(questions, 1);
    // Other tests that run beside this one make keys with the same passphrase.
    const QByteArray shown = session.require(
        u"for p in /proc/[0-9]*; do test \"$(cat $p/comm)\" = ssh-keygen || cat $p/cmdline "
        "$p/environ; done 2>/dev/null | tr '\\0' '\\n' | grep -c 'open [s]esame' || true"_s,
        "x", {});
    EXPECT_EQ(shown.trimmed().toInt(), 0);
    Askpass wrong([](const QString&) { return u"open barley"_s; });
    EXPECT_EQ(connectCode(endpoint, &wrong), "remote.login");
    Askpass nobody([](const QString&) { return std::nullopt; });
    EXPECT_EQ(connectCode(endpoint, &nobody), "remote.login");
}

TEST_F(SshSessionTest, EndsItsConnectionWithItself) {
    qint64 master = 0;
    {
        SshSession session(server_.target().ssh);
        session.connect(nullptr, {});
        master = session.require(u"echo $PPID"_s, "x", {}).trimmed().toLongLong();
        ASSERT_GT(master, 0);
    }
    QElapsedTimer clock;
    clock.start();
    while (fs::exists("/proc/" + std::to_string(master)) && clock.elapsed() < 10000) {
    }
    EXPECT_FALSE(fs::exists("/proc/" + std::to_string(master)));
}

TEST_F(SshSessionTest, ForwardsAPortAndRsyncsBothWays) {
    SshSession session(server_.target().ssh);
    session.connect(nullptr, {});
    const int port = session.forward(u"127.0.0.1"_s, server_.port(), {});
    EXPECT_NE(port, server_.port());
    SshEndpoint through = server_.target().ssh;
    through.port = port;
    EXPECT_EQ(connectCode(through), "") << "the tunnel leads to the server itself";
}

TEST_F(SshSessionTest, FetchesFilesAndProvesTheirHashes) {
    SshSession session(server_.target().ssh);
    session.connect(nullptr, {});
    fs::create_directories(path("there/sub dir"));
    std::ofstream(path("there/a 'file'.bin")) << std::string(100000, 'a');
    std::ofstream(path("there/sub dir/b")) << "b";
    std::ofstream(path("there/c.tmp-12")) << "half";
    const VerifiedFetch fetch{session, QString::fromStdString(path("there").string()),
                              path("here")};
    fetch.run(never_);
    EXPECT_EQ(readTextFile(path("here/a 'file'.bin")), std::string(100000, 'a'));
    EXPECT_EQ(readTextFile(path("here/sub dir/b")), "b");
    EXPECT_FALSE(fs::exists(path("here/c.tmp-12")));

    // A byte that turned on this machine's disk: size and time say nothing.
    const auto time = fs::last_write_time(path("here/a 'file'.bin"));
    std::fstream(path("here/a 'file'.bin"), std::ios::in | std::ios::out) << 'x';
    fs::last_write_time(path("here/a 'file'.bin"), time);
    fetch.run(never_);
    EXPECT_EQ(readTextFile(path("here/a 'file'.bin")), std::string(100000, 'a'));

    server_.dropSessions();
    EXPECT_EQ(codeOf([&] { fetch.run(never_); }), "remote.connection");
}

std::map<CheckStage, StageResult> stagesOf(const Target& target, bool confirms = true,
                                           TargetCheckResult* result = nullptr) {
    std::map<CheckStage, StageResult> stages;
    TargetCheck with;
    with.tell = [&](const StageResult& stage) { stages[stage.stage] = stage; };
    with.confirm = [confirms](const QStringList&) { return confirms; };
    const TargetCheckResult found = checkTarget(target, with, {});
    if (result)
        *result = found;
    return stages;
}

TEST_F(SshSessionTest, TestsATargetStageByStage) {
    Target target = server_.target();
    target.ssh.hostKeys.clear();
    TargetCheckResult result;
    auto stages = stagesOf(target, true, &result);
    for (const auto& [stage, found] : stages) {
        EXPECT_TRUE(found.state == StageState::Passed || found.state == StageState::Noted)
            << found.text.toStdString();
    }
    EXPECT_TRUE(result.passed);
    EXPECT_EQ(result.target.ssh.hostKeys, QStringList{server_.hostKey()});
    EXPECT_GT(result.facts.cores, 0);
    EXPECT_GT(result.facts.freeDiskBytes, 1 << 20);
    EXPECT_GT(result.facts.freeMemoryBytes, 1 << 20);

    stages = stagesOf(target, false);
    EXPECT_EQ(stages[CheckStage::HostKey].state, StageState::Failed);
    EXPECT_EQ(stages[CheckStage::Worker].state, StageState::Skipped);

    target = server_.target();
    target.worker = u"/nowhere/caldera"_s;
    stages = stagesOf(target);
    EXPECT_EQ(stages[CheckStage::Folder].state, StageState::Passed);
    EXPECT_EQ(stages[CheckStage::Worker].state, StageState::Failed);

    target.worker = server_.folder() + "/old"_L1;
    std::ofstream(target.worker.toStdString()) << "#!/bin/sh\necho caldera 0.0.1\n";
    fs::permissions(target.worker.toStdString(), fs::perms::owner_all);
    stages = stagesOf(target);
    EXPECT_TRUE(stages[CheckStage::Worker].text.contains(u"0.0.1"_s));
    EXPECT_EQ(stages[CheckStage::Worker].state, StageState::Failed);

    target.folder = u"/proc/jobs"_s;
    EXPECT_EQ(stagesOf(target)[CheckStage::Folder].state, StageState::Failed);
}

TEST(RemoteHost, ReadsTheGpusOfNvidiaSmi) {
    const QList<GpuFacts> gpus = parseGpus("NVIDIA H100 80GB HBM3, 580.65.06, 81559, 80994\n"
                                           "No devices were found\n, ,\nTesla, 1, [N/A], 2\n");
    ASSERT_EQ(gpus.size(), 1);
    EXPECT_EQ(gpus[0].name, u"NVIDIA H100 80GB HBM3"_s);
    EXPECT_EQ(gpus[0].driver, u"580.65.06"_s);
    EXPECT_EQ(gpus[0].totalBytes, 81559LL << 20);
    EXPECT_EQ(gpus[0].freeBytes, 80994LL << 20);
}

} // namespace
} // namespace caldera::studio
