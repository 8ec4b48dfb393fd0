#include "app/cli/command.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/job/job_folder.h"
#include "tests/app/cli/run_command.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Runs `body` as the command `work`.
Result run(const std::vector<std::string>& words, const std::function<void(Invocation&)>& body) {
    return runCommandLine(words,
                          [&](CommandLine& commands) { commands.add("work", "Works", body); });
}

void waitForStop(const Invocation& invocation) {
    while (!invocation.stop.stop_requested()) {
        std::this_thread::yield();
    }
}

TEST(Command, SucceedsSilently) {
    bool ran = false;
    const Result result = run({"work"}, [&](Invocation& invocation) {
        ran = true;
        EXPECT_FALSE(invocation.json);
        EXPECT_FALSE(invocation.job.has_value());
        EXPECT_EQ(invocation.commandLine, "caldera work");
    });
    EXPECT_TRUE(ran);
    EXPECT_EQ(result.exitCode, 0);
    EXPECT_EQ(result.out + result.err, "");
}

TEST(Command, TellsFailuresAsSentencesAndExitCodes) {
    const auto failing = [](auto error) { return [error](Invocation&) { throw error; }; };
    Result result = run({"work"}, failing(Error("a.code", "It broke.", {{"file", "x"}})));
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.err, "caldera: It broke.\n");
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(run({"work"}, failing(UsageError("u", "Wrong words."))).exitCode, 2);
    EXPECT_EQ(run({"work"}, failing(Cancelled())).exitCode, 130);
    EXPECT_EQ(run({"work"}, failing(std::bad_alloc())).exitCode, 1);
    result = run({"work"}, failing(std::runtime_error("first line\nstack\ntrace")));
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.err, "caldera: Unexpected failure: first line\n");
}

TEST(Command, NamesTheRangeOfANumberThatIsTooLarge) {
    int small = 0;
    int64_t large = 0;
    double real = 0;
    const auto complaint = [&](const std::string& option, const std::string& value) {
        return runCommandLine({"work", option, value},
                              [&](CommandLine& commands) {
                                  CLI::App& app = commands.add("work", "Works", [](Invocation&) {});
                                  app.add_option("--small", small)->check(positive());
                                  app.add_option("--large", large)->check(positive());
                                  app.add_option("--real", real);
                              })
            .err;
    };
    EXPECT_THAT(complaint("--small", "3000000000"),
                HasSubstr("--small: 3000000000 was given; a whole number of at most 2147483647 was "
                          "needed. See `caldera work --help`."));
    EXPECT_THAT(complaint("--large", "9999999999999999999"),
                HasSubstr("of at most 9223372036854775807 was needed"));
    EXPECT_THAT(complaint("--small", "99999999999999999999"), HasSubstr("at most 9223372036"));
    EXPECT_THAT(complaint("--small", "1.5"), HasSubstr("1.5 was given; a whole number was needed"));
    EXPECT_THAT(complaint("--real", "abc"), HasSubstr("abc was given; a number was needed"));
    EXPECT_EQ(complaint("--large", "3000000000"), "");
    EXPECT_EQ(large, 3000000000);
}

TEST(Command, NamesTheFileThatTheSystemRefuses) {
    const Result result = run({"work", "--json"}, [](Invocation&) {
        fs::create_directories(fs::path("/dev/null/a")); // throws filesystem_error
    });
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.err, "caldera: Cannot use /dev/null/a: Not a directory.\n");
    EXPECT_EQ(Json::parse(result.out)["error"]["code"], "file.system");
}

TEST(Command, TellsEndlessForeignTextInOneShortLine) {
    const std::string text = "the tensor \"\x1B[31m" + std::string(3000000, 'x') + "\nx\".";
    const Result result = run({"work"}, [&](Invocation&) {
        throw Error("a", text, {{"tensor", text}});
    });
    EXPECT_LT(result.err.size(), 2100U);
    EXPECT_EQ(result.err.find('\x1B'), std::string::npos);
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1);
    EXPECT_LT(run({std::string(3000000, 'x')}, [](Invocation&) {}).err.size(), 2100U);
}

TEST(Command, SaysShortlyThatANumberMustBePositive) {
    double number = 1;
    const auto add = [&](CommandLine& commands) {
        commands.add("work", "Works", [](Invocation&) {})
            .add_option("--number", number, "A number")
            ->check(positive());
    };
    for (const char* wrong : {"0", "-3", "nan", "inf", "x"}) {
        const Result result = runCommandLine({"work", "--number", wrong}, add);
        EXPECT_EQ(result.exitCode, 2) << wrong;
        EXPECT_EQ(result.err, "caldera: --number: " + std::string(wrong) +
                                  " was given; a number above 0 was needed. See `caldera "
                                  "work --help`.\n");
    }
    EXPECT_EQ(runCommandLine({"work", "--number", "5"}, add).exitCode, 0);
    EXPECT_EQ(number, 5);
}

TEST(Command, TakesNoEmptyWordButAsAText) {
    std::string file = "unset";
    std::string text = "unset";
    std::string place;
    std::string size;
    const auto add = [&](CommandLine& commands) {
        CLI::App& app = commands.add("work", "Works", [](Invocation&) {});
        app.add_option_group("Sizes")->add_option("--size", size, "A size")->type_name("SIZE");
        app.add_option("place", place, "A place")->type_name("FOLDER");
        app.add_option("--file", file, "A file")->type_name("FILE");
        app.add_option("--text", text, "A text");
    };
    const Result optional = runCommandLine({"work", "--file", ""}, add);
    EXPECT_EQ(optional.exitCode, 2);
    EXPECT_EQ(optional.err, "caldera: --file: an empty word was given; FILE was needed. See "
                            "`caldera work --help`.\n");
    const Result placed = runCommandLine({"work", ""}, add);
    EXPECT_EQ(placed.exitCode, 2);
    EXPECT_THAT(placed.err, HasSubstr("place: an empty word was given; FOLDER was needed"));
    EXPECT_THAT(runCommandLine({"work", "--size", ""}, add).err,
                HasSubstr("--size: an empty word was given; SIZE was needed"));
    EXPECT_EQ(runCommandLine({"work", "--text", ""}, add).exitCode, 0);
    EXPECT_EQ(text, "");
}

TEST(Command, SaysWhichNumbersItTakes) {
    int number = 1;
    const auto complaintAbout = [&](const CLI::Validator& check, const std::string& text) {
        return runCommandLine({"work", "--number", text},
                              [&](CommandLine& commands) {
                                  commands.add("work", "Works", [](Invocation&) {})
                                      .add_option("--number", number, "A number")
                                      ->check(check);
                              })
            .err;
    };
    EXPECT_EQ(complaintAbout(between(-2, 7), "-2"), "");
    EXPECT_EQ(complaintAbout(between(-2, 7), "7"), "");
    EXPECT_THAT(complaintAbout(between(-2, 7), "8"),
                HasSubstr("8 was given; a number from -2 to 7 was needed"));
    EXPECT_THAT(complaintAbout(between(-2, 7), "nan"), HasSubstr("nan was given"));
    EXPECT_EQ(complaintAbout(notNegative(), "0"), "");
    EXPECT_THAT(complaintAbout(notNegative(), "-1"),
                HasSubstr("-1 was given; a number of at least 0 was needed"));
    EXPECT_EQ(complaintAbout(seedNumber(), "0"), "");
    for (const char* wrong : {"-1", "1.5", "18446744073709551616", "x", ""}) {
        EXPECT_THAT(complaintAbout(seedNumber(), wrong),
                    HasSubstr(std::string(wrong) +
                              " was given; a whole number from 0 to 2^64 - 1 was needed"));
    }
}

TEST(Command, HelpReadsWell) {
    int threads = 0;
    std::string text;
    std::string layers;
    bool quick = false;
    std::vector<std::string> parts;
    const std::string help =
        runCommandLine({"work", "--help"}, [&](CommandLine& commands) {
            CLI::App& app = commands.add("work", "Works", [](Invocation&) {});
            app.add_option("--threads", threads, "Threads")
                ->check(between(0, 1024))
                ->capture_default_str();
            app.add_option("--text", text, "A text");
            app.add_option("--layers", layers, "Some layers")->type_name("A:B");
            app.add_flag("--quick", quick, "Be quick");
            app.add_flag("!--no-wait", quick, "Do not wait");
            app.add_option("PART", parts, "All parts")->required()->type_name("PART");
        }).out;
    for (const char* line :
         {"  --threads NUMBER            Threads (from 0 to 1024, default 0)\n",
          "  --text TEXT                 A text\n", "  --layers A:B                Some layers\n",
          "  --quick                     Be quick\n", "  --no-wait                   Do not wait\n",
          "Usage: caldera work [OPTIONS] PART...\n", "  PART ...                    All parts\n"}) {
        EXPECT_THAT(help, HasSubstr(line));
    }
}

TEST(Command, NamesAnUnknownWordAndPointsToTheHelpOfItsCommand) {
    const auto complaintAbout = [](const std::vector<std::string>& words) {
        return runCommandLine(
                   words,
                   [](CommandLine& commands) {
                       const auto nothing = [](Invocation&) { FAIL(); };
                       commands.add("info", "Tells", nothing).add_option("model")->required();
                       CLI::App& plan = commands.add("plan", "Plans", nothing);
                       plan.require_subcommand(1);
                       plan.add_subcommand("show", "Shows")->fallthrough()->add_option("PLAN");
                   })
            .err;
    };
    EXPECT_EQ(complaintAbout({"inf"}), "caldera: `caldera` has no command `inf`. Did you mean "
                                       "`info`? See `caldera --help`.\n");
    EXPECT_EQ(complaintAbout({"zzzzzz"}),
              "caldera: `caldera` has no command `zzzzzz`. See `caldera --help`.\n");
    EXPECT_EQ(complaintAbout({"plan", "--json", "--job", "x", "shw"}),
              "caldera: `caldera plan` has no command `shw`. Did you mean `show`? See `caldera "
              "plan --help`.\n");
    EXPECT_THAT(complaintAbout({"plan", "show", "p", "--speed"}),
                HasSubstr("--speed. See `caldera plan show --help`."));
    EXPECT_EQ(complaintAbout({"info"}), "caldera: model is required. See `caldera info --help`.\n");
    EXPECT_EQ(complaintAbout({"info", "--speed", "inf"}).find("Did you mean"), std::string::npos);
    EXPECT_EQ(complaintAbout({}), "caldera: A subcommand is required. See `caldera --help`.\n");
}

TEST(Command, FailsWhenItsOutputIsLost) {
    const int before = ::dup(STDOUT_FILENO);
    const Result result = run({"work"}, [](Invocation&) {
        const int full = ::open("/dev/full", O_WRONLY);
        ::dup2(full, STDOUT_FILENO);
        ::close(full);
        std::printf("an answer\n");
    });
    ::dup2(before, STDOUT_FILENO);
    ::close(before);
    std::clearerr(stdout);
    std::cout.clear();
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("The output cannot be written (No space left on device)"));
}

TEST(Command, FailsWhenItsHelpIsLost) {
    const int before = ::dup(STDOUT_FILENO);
    CLI::App app("test", "caldera");
    CommandLine commands(app);
    std::string program = "caldera";
    std::string help = "--help";
    std::array<char*, 2> arguments = {program.data(), help.data()};
    const int full = ::open("/dev/full", O_WRONLY);
    ::dup2(full, STDOUT_FILENO);
    ::close(full);
    testing::internal::CaptureStderr();
    const int exitCode = commands.run(2, arguments.data());
    const std::string said = testing::internal::GetCapturedStderr();
    ::dup2(before, STDOUT_FILENO);
    ::close(before);
    std::clearerr(stdout);
    std::cout.clear();
    EXPECT_EQ(exitCode, 1);
    EXPECT_THAT(said, HasSubstr("The output cannot be written"));
}

TEST(Command, PrintsFailuresAsJsonToo) {
    const Result result = run({"work", "--json"}, [](Invocation& invocation) {
        EXPECT_TRUE(invocation.json);
        throw Error("a.code", "It broke: \xff.", {{"file", "x"}});
    });
    const Json error = Json::parse(result.out).at("error");
    EXPECT_EQ(error.at("code"), "a.code");
    EXPECT_EQ(error.at("args").at("file"), "x");
    EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("It broke"));
}

TEST(Command, RefusesWrongWords) {
    const auto nothing = [](Invocation&) { FAIL(); };
    EXPECT_EQ(run({}, nothing).exitCode, 2);
    EXPECT_EQ(run({"play"}, nothing).exitCode, 2);
    EXPECT_EQ(run({"work", "--speed"}, nothing).exitCode, 2);
    const Result result = run({"work", "--json", "--speed"}, nothing);
    EXPECT_EQ(Json::parse(result.out).at("error").at("code"), "usage");
    const Result help = run({"work", "--help"}, nothing);
    EXPECT_EQ(help.exitCode, 0);
    EXPECT_THAT(help.out, HasSubstr("--job"));
}

TEST(Command, ASignalStopsIt) {
    const Result result = run({"work"}, [](Invocation& invocation) {
        ::kill(::getpid(), SIGTERM);
        waitForStop(invocation);
        checkCancelled(invocation.stop);
    });
    EXPECT_EQ(result.exitCode, 130);
    EXPECT_EQ(result.err, "caldera: Cancelled.\n");
}

TEST(Command, SaysWhatASlowEndWaitsFor) {
    const Result result = run({"work"}, [](Invocation& invocation) {
        ::kill(::getpid(), SIGTERM);
        waitForStop(invocation);
        std::this_thread::sleep_for(std::chrono::milliseconds(1800)); // a step that takes long
        checkCancelled(invocation.stop);
    });
    EXPECT_EQ(result.exitCode, 130);
    EXPECT_THAT(result.err, HasSubstr("Stopping as soon as the step at work is done. A second "
                                      "signal (Ctrl+C) ends it at once.\n"));
}

class JobCommand : public testing::Test {
protected:
    void SetUp() override { folder_ = fs::path(testing::TempDir()) / newJobId(); }
    void TearDown() override { fs::remove_all(folder_); }

    Result work(const std::function<void(Invocation&)>& body) const {
        return run({"work", "--job", folder_.string()}, body);
    }
    std::vector<std::string> kinds() const {
        std::vector<std::string> found;
        for (const Event& event : EventReader(folder_ / "events.jsonl").poll()) {
            found.push_back(event.kind);
        }
        return found;
    }

    fs::path folder_;
};

TEST_F(JobCommand, LeavesItsStoryInTheFolder) {
    const Result result = work([&](Invocation& invocation) {
        EXPECT_EQ(invocation.job, folder_);
        EXPECT_EQ(invocation.commandLine, "caldera work") << "pasted, it makes the same again";
        EXPECT_TRUE(JobFolder(folder_).workerAlive());
        invocation.progress.stage("thinking");
        invocation.progress.advance(1, 2);
        EXPECT_EQ(JobFolder(folder_).visiblePhase(), "running");
    });
    EXPECT_EQ(result.exitCode, 0) << result.err;
    EXPECT_THAT(kinds(), ElementsAre("hello", "stage", "progress", "end"));
    const JobFolder job(folder_);
    EXPECT_EQ(job.visiblePhase(), "done");
    EXPECT_EQ(job.state().fraction, 1);
    EXPECT_FALSE(job.workerAlive());
    EXPECT_EQ(job.spec().kind, "work");
    EXPECT_EQ(job.spec().arguments, std::vector<std::string>{"work"});
    const Event hello = EventReader(job.events()).poll().front();
    EXPECT_EQ(hello.body["pid"], ::getpid());
    EXPECT_THAT(hello.body["command"].get<std::string>(), HasSubstr("caldera work --job"));
}

TEST_F(JobCommand, KeepsTheSentenceOfAFailure) {
    EXPECT_EQ(work([](Invocation&) { throw Error("a.code", "It broke."); }).exitCode, 1);
    EXPECT_THAT(kinds(), ElementsAre("hello", "error", "end"));
    const JobState state = JobFolder(folder_).state();
    EXPECT_EQ(state.phase, "failed");
    EXPECT_EQ(state.message, "It broke.");
    EXPECT_EQ(state.code, "a.code");
}

TEST_F(JobCommand, ObeysItsControlFileAndResumes) {
    const Result result = work([&](Invocation& invocation) {
        JobFolder(folder_).requestCancel();
        waitForStop(invocation);
        checkCancelled(invocation.stop);
    });
    EXPECT_EQ(result.exitCode, 130);
    EXPECT_EQ(JobFolder(folder_).visiblePhase(), "cancelled");
    EXPECT_FALSE(JobFolder(folder_).cancelRequested());
    EXPECT_EQ(work([](Invocation&) {}).exitCode, 0);
    EXPECT_THAT(kinds(), ElementsAre("hello", "end", "hello", "end"));
    EXPECT_EQ(EventReader(folder_ / "events.jsonl").poll().back().seq, 3);
}

TEST_F(JobCommand, LeavesAnotherWorkersJobAlone) {
    EXPECT_EQ(work([](Invocation&) {}).exitCode, 0);
    const JobLock lock{JobFolder(folder_)};
    const Result result = work([](Invocation&) { FAIL(); });
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("Another worker"));
    EXPECT_EQ(JobFolder(folder_).state().phase, "done");
}

} // namespace
} // namespace caldera::cli
