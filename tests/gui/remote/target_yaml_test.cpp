#include "widgets/remote/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/code_of.h"
#include "widgets/remote/ssh_config.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using caldera::test::codeOf;

Target fullTarget() {
    Target target;
    target.kind = TargetKind::Slurm;
    target.name = u"Cluster “north”: #1"_s;
    target.ssh = {u"login.example"_s,
                  2222,
                  u"ada"_s,
                  u"/home/ada/my keys/id"_s,
                  {u"ada@jump:22"_s, u"second"_s},
                  {u"ssh-ed25519 AAAAC3Nz"_s}};
    target.folder = u"~/jobs here"_s;
    target.worker = u"/opt/caldera/bin/caldera"_s;
    target.bundle = u"/home/ada/caldera-worker.tar.gz"_s;
    target.bundleUrl = u"https://lab.example/caldera-worker.tar.gz"_s;
    target.slurm = {u"gpu"_s,   u"lab"_s, u"1-00:00:00"_s,
                    u"gpu:2"_s, 64000,    16,
                    2022,       4,        u"--constraint=h100\n--qos=high"_s};
    return target;
}

TEST(TargetYaml, ComesBackAsItWas) {
    for (const Target& target : {Target(), fullTarget()}) {
        const QByteArray yaml = targetToYaml(target);
        EXPECT_TRUE(yaml.startsWith("format: caldera-remote/1\n")) << yaml.toStdString();
        EXPECT_EQ(targetFromYaml(yaml, u"a"_s), target) << yaml.toStdString();
        EXPECT_EQ(targetToYaml(targetFromYaml(yaml, u"a"_s)), yaml);
    }
}

TEST(TargetYaml, RefusesWhatItDoesNotKnow) {
    const QByteArray head = "format: caldera-remote/1\nkind: ssh\n";
    for (const QByteArray& text : {QByteArray(""),
                                   QByteArray("[1, 2]"),
                                   QByteArray("format: other/1\nkind: ssh\n"),
                                   QByteArray("kind: ssh\n"),
                                   QByteArray("format: caldera-remote/1\nkind: moon\n"),
                                   head + "password: secret\n",
                                   head + "name: [a]\n",
                                   head + "ssh: 3\n",
                                   head + "ssh: {port: 70000}\n",
                                   head + "ssh: {port: twenty}\n",
                                   head + "ssh: {jump_hosts: a}\n",
                                   head + "ssh: {jump_hosts: [[a]]}\n",
                                   head + "slurm: {shards: 0}\n",
                                   head + "name: \"a\\u0007\"\n",
                                   QByteArray("{"),
                                   head + "name: *nobody\n",
                                   QByteArray(100000, ' '),
                                   head + "name: \"a\\nb\"\n",
                                   head + "folder: \"/a\\n/b\"\n",
                                   head + "ssh: {host: \"a\\nb\"}\n",
                                   head + "ssh: {port: -1}\n",
                                   head + "ssh: {port: 1.5}\n",
                                   head + "ssh: {port: [22]}\n",
                                   head + "name: a\nname: b\n",
                                   head + "ssh: {port: 22, port: 23}\n",
                                   head + "[a, b]: c\n",
                                   head + "slurm: {cpus: 99999999999}\n",
                                   head + "name: " + QByteArray(60000, '[')}) {
        EXPECT_EQ(codeOf([&] { targetFromYaml(text, u"a.yaml"_s); }), "remote.target")
            << text.left(100).toStdString();
    }
    EXPECT_EQ(codeOf([] { targetFromYaml("format: caldera-remote/2\n", u"a"_s); }), "remote.newer");
}

TEST(SshConfig, RefusesWordsThatWouldBeMoreThanOne) {
    const SshFiles files{u"/a"_s, u"/b"_s, u"/c"_s};
    const auto code = [&files](SshEndpoint endpoint) {
        return codeOf([&] { sshConfig(endpoint, files); });
    };
    EXPECT_EQ(code({u"gpu-3.lab.example"_s}), "");
    EXPECT_EQ(code({u"fe80::1%eth0"_s}), "");
    for (const QString& host :
         {u""_s, u"-oProxyCommand=x"_s, u"a b"_s, u"a\nProxyCommand x"_s, u"*"_s, u"a;b"_s}) {
        EXPECT_EQ(code({host}), "remote.endpoint") << host.toStdString();
    }
    EXPECT_EQ(code({u"h"_s, 0, u"a b"_s}), "remote.endpoint");
    EXPECT_EQ(code({u"h"_s, 0, u"-l"_s}), "remote.endpoint");
    EXPECT_EQ(code({u"h"_s, 0, {}, u"/a\"b"_s}), "remote.endpoint");
    EXPECT_EQ(code({u"h"_s, 0, {}, u"/a\nHost *"_s}), "remote.endpoint");
    EXPECT_EQ(code({u"h"_s, 0, {}, {}, {u"j,k -x"_s}}), "remote.endpoint");
    EXPECT_EQ(code({u"h"_s, 0, {}, {}, {}, {u"ssh-rsa A\n* ssh-rsa B"_s}}), "remote.endpoint");
    EXPECT_EQ(code({u"h"_s, 99999}), "remote.endpoint");
}

TEST(SshConfig, LeavesToTheUsersFileWhatIsNotSaid) {
    const QByteArray text = sshConfig({u"gpu-3"_s}, {u"/a"_s, u"/b"_s, u"/c"_s});
    EXPECT_TRUE(text.startsWith("Host gpu-3\n"));
    for (const char* word : {"Port", "User ", "IdentityFile", "ProxyJump", "HostName"}) {
        EXPECT_FALSE(text.contains(word)) << word;
    }
    EXPECT_TRUE(text.contains("Include ~/.ssh/config"));
}

} // namespace
} // namespace caldera::studio
