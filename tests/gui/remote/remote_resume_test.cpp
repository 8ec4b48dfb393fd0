// What is resumed on another machine, where its start or its set-up went wrong.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <QTest>

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "tests/gui/remote/remote_service.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 120'000;
/// What plays scenarios as the worker; `caldera job` itself is the real one.
constexpr auto kPlayed = "CALDERA_WORKER='" FAKE_WORKER "' exec '" CALDERA_PROGRAM "' \"$@\"\n";

class RemoteResumeTest : public RemoteServiceTest {
protected:
    RemoteResumeTest() : RemoteServiceTest(kPatience) {}
    void SetUp() override {
        const std::string script = server_.folder().toStdString() + "/played";
        std::ofstream(script) << "#!/bin/sh\n" << kPlayed;
        fs::permissions(script, fs::perms::owner_all);
        makeService();
        awaitService();
    }
    QString play(const QString& scenario) { return playOn(server_.target(), scenario); }
    fs::path here(const QString& id) const {
        return fs::path(root_.path().toStdString()) / id.toStdString();
    }
};

TEST_F(RemoteResumeTest, AConnectionThatBreaksInSetUpDoesNotForgetTheResume) {
    const QString id = play(u"crash"_s);
    ASSERT_TRUE(reaches(id, u"lost"_s));
    ASSERT_TRUE(QTest::qWaitFor([&] { return !JobFolder(here(id)).workerAlive(); }, kPatience));
    const std::string folder = server_.folder().toStdString();
    std::ofstream(folder + "/played")
        << "#!/bin/sh\nif mkdir '" << folder << "/asked' 2>/dev/null; then\n  while [ ! -e '"
        << folder << "/go' ]; do sleep 0.1; done\nfi\n"
        << kPlayed;
    service_->resume(id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return fs::exists(folder + "/asked"); }, kPatience));
    server_.dropSessions();
    std::ofstream(folder + "/go") << "go";
    const auto isResumed = [&] {
        const QList<JobLogLine>& log = service_->history(id).log();
        return std::any_of(log.begin(), log.end(),
                           [](const JobLogLine& line) { return line.level == u"resumed"_s; });
    };
    EXPECT_TRUE(QTest::qWaitFor(isResumed, kPatience)) << service_->job(id).message.toStdString();
    ASSERT_TRUE(reaches(id, u"lost"_s));
}

TEST_F(RemoteResumeTest, ResumesWhatWasKilledBeforeItsFirstWord) {
    const std::string folder = server_.folder().toStdString();
    // Twice: a start makes up for the first time by itself.
    std::ofstream(folder + "/dying")
        << "#!/bin/sh\ncd '" << folder
        << "'\n{ mkdir died || mkdir again; } 2>/dev/null && kill -9 $$\n"
           "exec '" FAKE_WORKER "' \"$@\"\n";
    std::ofstream(folder + "/played")
        << "#!/bin/sh\nCALDERA_WORKER='" << folder << "/dying' exec '" CALDERA_PROGRAM "' \"$@\"\n";
    fs::permissions(folder + "/dying", fs::perms::owner_all);
    const QString id = play(u"cells"_s);
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_EQ(service_->job(id).code, u"remote.start"_s);
    EXPECT_TRUE(service_->job(id).message.contains(u"ended before it began"_s))
        << service_->job(id).message.toStdString();
    service_->resume(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(readTextFile(here(id) / "events.jsonl"), readTextFile(there(id) / "events.jsonl"));
}

} // namespace
} // namespace caldera::studio
