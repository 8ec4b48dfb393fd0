// Hosts that are reached through another one: two real sshd, and a real agent.
#include <filesystem>
#include <fstream>

#include <QProcess>

#include <gtest/gtest.h>

#include "tests/gui/remote/remote_service.h"
#include "tests/support/code_of.h"
#include "widgets/remote/host_key.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 120'000;
constexpr auto kJumpAddress = "127.0.0.2"; // another host than the job's, as ssh sees it

/// An agent with the key that the first host lets in, and a machine whose ssh knows that host: by a
/// program before the real one, since the files of the user who runs the test are not touched.
class JumpHostTest : public RemoteServiceTest {
protected:
    JumpHostTest() : RemoteServiceTest(kPatience), jump_({}, QString::fromLatin1(kJumpAddress)) {
        const QString programs = jump_.folder() + "/programs"_L1;
        fs::create_directories(programs.toStdString());
        knowJump(true);
        const std::string ssh = programs.toStdString() + "/ssh";
        // By its plain name ssh starts itself again for the first host, and so comes by here.
        std::ofstream(ssh) << "#!/bin/bash\nexec -a ssh /usr/bin/ssh -o GlobalKnownHostsFile='"
                           << known().toStdString() << "' \"$@\"\n";
        fs::permissions(ssh, fs::perms::owner_all);
        path_ = qgetenv("PATH");
        qputenv("PATH", programs.toUtf8() + ':' + path_);
        startAgent();
    }
    ~JumpHostTest() override {
        qputenv("PATH", path_);
        qunsetenv("SSH_AUTH_SOCK");
        agent_.kill();
        agent_.waitForFinished();
    }
    void startAgent() {
        const QString socket = jump_.folder() + "/agent"_L1;
        agent_.start(u"ssh-agent"_s, {u"-D"_s, u"-a"_s, socket});
        ASSERT_TRUE(QTest::qWaitFor([&] { return fs::exists(socket.toStdString()); }, patience_));
        qputenv("SSH_AUTH_SOCK", socket.toUtf8());
        EXPECT_EQ(QProcess::execute(u"ssh-add"_s, {u"-q"_s, jump_.folder() + "/user"_L1}), 0);
    }
    void knowJump(bool isKnown) {
        std::ofstream(known().toStdString())
            << (isKnown ? "[127.0.0.2]:" + std::to_string(jump_.port()) + ' ' +
                              jump_.hostKey().toStdString() + '\n'
                        : "");
    }
    QString known() const { return jump_.folder() + "/known"_L1; }
    Target target() const {
        Target target = server_.target();
        target.ssh.jumpHosts = {u"127.0.0.2:%1"_s.arg(jump_.port())};
        return target;
    }
    QString play(const QString& scenario) {
        const std::string worker = server_.folder().toStdString() + "/played";
        std::ofstream(worker) << "#!/bin/sh\ncase $1 in job|--version) CALDERA_WORKER='" FAKE_WORKER
                                 "' exec '" CALDERA_PROGRAM "' \"$@\";; esac\nexec '" FAKE_WORKER
                                 "' \"$@\"\n";
        fs::permissions(worker, fs::perms::owner_all);
        return playOn(target(), scenario);
    }

    LoopbackSshd jump_;
    QProcess agent_;
    QByteArray path_;
};

TEST_F(JumpHostTest, ShowsTheKeyOfTheHostBehindTheOther) {
    SshEndpoint endpoint = target().ssh;
    endpoint.hostKeys.clear();
    EXPECT_EQ(probeHostKeys(endpoint, nullptr, {}), QStringList{server_.hostKey()});
    knowJump(false);
    EXPECT_EQ(caldera::test::codeOf([&] { probeHostKeys(endpoint, nullptr, {}); }),
              "remote.jump-key");
    endpoint.hostKeys = target().ssh.hostKeys;
    SshSession session(endpoint);
    EXPECT_EQ(caldera::test::codeOf([&] { session.connect(nullptr, {}); }), "remote.jump-key");
}

TEST_F(JumpHostTest, RunsAJobThroughTheOtherHostAndComesBackAfterIt) {
    makeService();
    awaitService();
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20)) << service_->job(id).message.toStdString();
    EXPECT_FALSE(childrenOf(jump_.processId()).isEmpty()) << "the way leads through it";
    jump_.stop(); // the host in between goes away, and comes back
    ASSERT_TRUE(reaches(id, u"lost"_s));
    jump_.start();
    service_->resume(id);
    std::ofstream(there(id) / "go") << "go";
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(service_->history(id).cells().size(), 40);
}

} // namespace
} // namespace caldera::studio
