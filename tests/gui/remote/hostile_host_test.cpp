// Hosts that say what they should not: by a noisy login, by a broken disk, or on purpose.
#include <filesystem>
#include <fstream>
#include <thread>

#include <QTemporaryDir>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "tests/gui/remote/loopback_sshd.h"
#include "tests/support/code_of.h"
#include "tests/support/until.h"
#include "widgets/remote/slurm.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/verified_fetch.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using caldera::test::codeOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// A host with a home of its own, whose programs come first on the PATH.
class HostileHostTest : public ::testing::Test {
protected:
    fs::path path(const char* name) const { return fs::path(home_.path().toStdString()) / name; }
    void write(const char* name, const std::string& text) const {
        fs::create_directories(path(name).parent_path());
        std::ofstream(path(name)) << text;
        fs::permissions(path(name), fs::perms::owner_all);
    }
    /// What a login ends with.
    Error loginError() {
        try {
            SshSession session(server_.target().ssh);
            session.connect(nullptr, {});
        } catch (const Error& error) {
            return error;
        }
        return {"", ""};
    }
    std::string fetchCode(VerifiedFetch::Compare compare) {
        SshSession session(server_.target().ssh);
        session.connect(nullptr, {});
        return codeOf([&] {
            VerifiedFetch{session, QString::fromStdString(path("there").string()), path("here"),
                          compare}
                .run({});
        });
    }

    QTemporaryDir home_;
    LoopbackSshd server_{
        {"HOME=" + home_.path().toUtf8(), "PATH=" + home_.path().toUtf8() + "/bin:/usr/bin:/bin"}};
};

TEST_F(HostileHostTest, ALoginThatPrintsIsNamedBeforeItGetsIntoAnAnswer) {
    EXPECT_EQ(loginError().code(), "");
    write(".bashrc", "echo Welcome to the cluster\n");
    const Error error = loginError();
    EXPECT_EQ(error.code(), "remote.noise");
    EXPECT_THAT(error.what(), HasSubstr("\"Welcome to the cluster\""));
    write(".bashrc", "printf '\\377\\033]0;a title\\007\\n'\n");
    EXPECT_EQ(loginError().code(), "remote.noise");
    EXPECT_THAT(loginError().what(), ::testing::Not(HasSubstr("\033")));
}

TEST_F(HostileHostTest, ALoginThatPrintsWithoutEndIsEnded) {
    write(".bashrc", "yes caldera\n");
    EXPECT_EQ(loginError().code(), "remote.output");
}

TEST_F(HostileHostTest, WhatTheHostTellsNoHashOfIsNotProven) {
    using Compare = VerifiedFetch::Compare;
    write("there/a", "a");
    write("there/sub/b", "b");
    write("bin/sha256sum", "#!/bin/sh\nexit 1\n"); // its disk cannot be read
    EXPECT_EQ(fetchCode(Compare::All), "remote.fetch");
    write("bin/sha256sum", "#!/bin/sh\n/usr/bin/sha256sum ./a\n");
    EXPECT_EQ(fetchCode(Compare::All), "remote.corrupt");
    EXPECT_TRUE(fs::exists(path("here/a")));
    EXPECT_FALSE(fs::exists(path("here/sub/b")));
    write("bin/sha256sum", "#!/bin/sh\n");
    fs::remove_all(path("here"));
    EXPECT_EQ(fetchCode(Compare::Fetched), "remote.corrupt");
    EXPECT_FALSE(fs::exists(path("here/a")));
    fs::remove(path("bin/sha256sum"));
    EXPECT_EQ(fetchCode(Compare::All), "");
    EXPECT_EQ(readTextFile(path("here/sub/b")), "b");
}

TEST_F(HostileHostTest, WhatIsNotOnTheHostDoesNotPassForItsResult) {
    write("there/a", "a");
    write("here/left-over", "of an earlier plan");
    EXPECT_EQ(fetchCode(VerifiedFetch::Compare::All), "");
    EXPECT_FALSE(fs::exists(path("here/left-over")));
}

TEST_F(HostileHostTest, AHostCannotReachOutsideOfTheFetchedFolder) {
    write("there/a", "a");
    write("mine", "a file of this machine");
    const std::string hash(64, '0');
    for (const std::string& name :
         {path("mine").string(), std::string("../mine"), std::string("sub/../../mine")}) {
        write("bin/sha256sum", "#!/bin/sh\necho '" + hash + "  ./" + name + "'\n");
        EXPECT_EQ(fetchCode(VerifiedFetch::Compare::All), "remote.fetch") << name;
        EXPECT_TRUE(fs::exists(path("mine"))) << name;
    }
}

TEST_F(HostileHostTest, ASubmissionWhoseAnswerIsLostIsNotRepeated) {
    write("bin/sbatch",
          "#!/bin/sh\necho x >>'" + path("submitted").string() + "'\nsleep 1\necho 7\n");
    SshSession session(server_.target().ssh);
    session.connect(nullptr, {});
    const RemotePlace place{
        session, {}, QString::fromStdString(path("job").string()), u"caldera"_s};
    std::stop_source impatient;
    std::jthread first([&] {
        EXPECT_THROW(submitToSlurm(place, {u"fidelity"_s}, false, impatient.get_token()),
                     Cancelled);
    });
    ASSERT_TRUE(test::until([&] { return fs::exists(path("submitted")); }));
    impatient.request_stop(); // as when the network breaks
    first.join();
    submitToSlurm(place, {u"fidelity"_s}, false, {});
    EXPECT_EQ(readTextFile(path("submitted")), "x\n");
    EXPECT_EQ(readTextFile(path("job/slurm/ids")), "7\n");
}

} // namespace
} // namespace caldera::studio
