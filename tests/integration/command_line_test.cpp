// The program as a shell meets it: where its output goes, and what it checks before it begins.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/job/job_folder.h"
#include "tests/support/program.h"

namespace caldera {
namespace {

using test::Program;
using testing::HasSubstr;

TEST(CommandLine, FailsWhenHelpOrVersionCannotBeWritten) {
    for (const std::string words : {"--help", "--version", "plan new --help"}) {
        const std::string line =
            std::string(CALDERA_PROGRAM) + " " + words + " > /dev/full 2> /dev/null";
        const int status = std::system(line.c_str()); // NOLINT(concurrency-mt-unsafe)
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 1) << words;
    }
}

TEST(CommandLine, FailsWhenAFileGrowsAboveItsLimit) {
    const std::string out = "/tmp/caldera-limited-" + std::to_string(::getpid()) + ".yaml";
    const std::string line = "ulimit -f 0; " + std::string(CALDERA_PROGRAM) + " plan new " +
                             CALDERA_SOURCE_DIR "/resources/demo-model --out " + out +
                             " > /dev/null 2> /dev/null";
    const int status = std::system(line.c_str()); // NOLINT(concurrency-mt-unsafe)
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 1) << "a sentence, not a signal";
    EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(CommandLine, EvaluateLooksAtItsTargetBeforeAnythingElse) {
    for (const std::string out : {"/dev/null/report.h5", "/proc/report.h5", "/tmp"}) {
        Program program({"evaluate", "/no/such/model", "--out", out, "--json"});
        program.closeInput();
        const auto document = nlohmann::json::parse(program.readAll(), nullptr, false);
        EXPECT_EQ(program.exitCode(), 1);
        const auto code = document.at("error").at("code").get<std::string>();
        EXPECT_TRUE(code.starts_with("file.")) << out << ": " << code;
    }
}

/// What a command that fails says, as {code, message}.
nlohmann::json refusalOf(const std::vector<std::string>& words) {
    Program program(words);
    program.closeInput();
    const auto document = nlohmann::json::parse(program.readAll(), nullptr, false);
    EXPECT_EQ(program.exitCode(), 1) << words.front();
    return document.at("error");
}

TEST(CommandLine, APipeIsNoPlaceForResults) {
    const std::string model = CALDERA_SOURCE_DIR "/resources/demo-model";
    const std::string pipe = "/proc/self/fd/1"; // of the program
    const auto report = refusalOf({"fidelity", model, "--out", pipe, "--json"});
    EXPECT_EQ(report.at("code"), "file.write");
    EXPECT_THAT(report.at("message").get<std::string>(),
                HasSubstr(pipe + ": it is no regular file; a file is needed"));
    const auto folder = refusalOf({"compress", model, "--out", pipe, "--json"});
    EXPECT_EQ(folder.at("code"), "compress.out-exists");
    EXPECT_THAT(folder.at("message").get<std::string>(),
                HasSubstr(pipe + " is neither a folder nor a file. Choose a folder for the "
                                 "compressed model."));
    EXPECT_EQ(refusalOf({"compress", model, "--out", "/proc/here", "--json"}).at("code"),
              "file.no-disk");
}

TEST(CommandLine, BlameAsksForWhatIsCheapestToMendFirst) {
    const std::string heldOut = CALDERA_SOURCE_DIR "/resources/demo-model/heldout.txt";
    const auto messageOf = [](const std::string& artifact, const std::string& text) {
        return refusalOf(
                   {"blame", artifact, "--reference", "/no/reference", "--text", text, "--json"})
            .at("message")
            .get<std::string>();
    };
    EXPECT_THAT(messageOf("/no/artifact", "/no/text"), HasSubstr("/no/text"));
    EXPECT_THAT(messageOf("/no/artifact", heldOut), HasSubstr("/no/artifact"));
}

TEST(CommandLine, AJobThatIsDoneIsNotBegunAgain) {
    const std::filesystem::path root = "/tmp/caldera-done-" + std::to_string(::getpid());
    const JobFolder folder = JobFolder::create(root, {"", "compress", "", {"compress", "m"}, ""});
    JobState state;
    state.phase = "done";
    folder.writeState(state);
    Program program({"job", "start", folder.path().string(), "--json"});
    program.closeInput();
    const auto told = nlohmann::json::parse(program.readAll(), nullptr, false);
    EXPECT_EQ(program.exitCode(), 0);
    EXPECT_EQ(told.value("phase", ""), "done");
    EXPECT_EQ(folder.state().phase, "done");
    std::filesystem::remove_all(root);
}

TEST(CommandLine, CompressSaysWhatIsWrongWithLayers) {
    const std::string model = CALDERA_SOURCE_DIR "/resources/demo-model";
    const auto codeOf = [&](const std::vector<std::string>& options) {
        std::vector<std::string> words = {"compress", model, "--out", "/tmp/caldera-no-shard",
                                          "--json"};
        words.insert(words.end(), options.begin(), options.end());
        Program program(words);
        program.closeInput();
        return nlohmann::json::parse(program.readAll(), nullptr, false)
            .at("error")
            .at("code")
            .get<std::string>();
    };
    EXPECT_EQ(codeOf({"--layers", "3"}), "compress.layers");
    EXPECT_EQ(codeOf({"--layers", "0:900"}), "compress.layers");
    EXPECT_EQ(codeOf({"--layers", "0:1", "--work", "/tmp/caldera-no-work"}), "compress.layers");
}

/// What `caldera` prints, stderr included.
std::string said(const std::string& words) {
    const std::string line = std::string(CALDERA_PROGRAM) + " " + words + " 2>&1 < /dev/null";
    std::string text;
    FILE* pipe = ::popen(line.c_str(), "r"); // NOLINT(cert-env33-c): the words are constants
    for (int letter = std::fgetc(pipe); letter != EOF; letter = std::fgetc(pipe)) {
        text += static_cast<char>(letter);
    }
    ::pclose(pipe);
    return text;
}

TEST(CommandLine, ChatSaysThatAFolderIsMissing) {
    EXPECT_EQ(said("chat /no/such/folder"),
              "caldera: There is no folder /no/such/folder. Give the folder of a compressed "
              "model.\n");
    EXPECT_THAT(said("chat /usr"), HasSubstr("/usr is not a caldera artifact"));
}

TEST(CommandLine, HelpSaysWhatIsTakenWithoutOptions) {
    EXPECT_THAT(said("compress --help"), HasSubstr("ranks of up to 64, by the size"));
    EXPECT_THAT(said("chat --help"), HasSubstr("--top-k NUMBER"));
}

TEST(CommandLine, EngineOptionsSayWhatTheyTake) {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"serve /usr --device tpu", "--device: tpu was given; auto, cpu or cuda was needed"},
        {"serve /usr --kv-bits 7", "--kv-bits: 7 was given; 16 or 8 was needed"},
        {"serve /usr --chats 65", "--chats: 65 was given; a number from 1 to 64 was needed"},
        {"chat /usr --chats 2", "not expected"},
        {"chat /usr --min-p 1.5", "--min-p: 1.5 was given; a number from 0 to 1 was needed"},
    };
    for (const auto& [words, complaint] : table) {
        EXPECT_THAT(said(words), HasSubstr(complaint)) << words;
    }
}

TEST(CommandLine, BenchSaysThatThereIsNoGpuAsOtherCommandsDo) {
    const std::string answer = said("bench gemv --device cuda --json");
    const auto document = nlohmann::json::parse(answer, nullptr, false);
    if (document.is_object() && document.contains("microseconds")) {
        GTEST_SKIP() << "there is a GPU";
    }
    EXPECT_THAT(answer, HasSubstr("LibTorch finds no CUDA device"));
    EXPECT_THAT(answer, testing::Not(HasSubstr("Unexpected")));
}

TEST(CommandLine, DecomposeSpeaksOfItsOwnOptions) {
    const std::string weight =
        (std::filesystem::temp_directory_path() / "caldera-command-line").string();
    const std::string model = CALDERA_SOURCE_DIR "/resources/demo-model";
    const std::string cell = "model.layers.0.self_attn.k_proj";
    said("calibrate " + model + " --cell " + cell + " --calibration-tokens 128 --out " + weight);
    const std::string decompose = "decompose --weight " + weight + "/" + cell + ".safetensors ";
    EXPECT_THAT(said(decompose + "--bits 9"), HasSubstr("--bits)"));
    EXPECT_THAT(said(decompose + "--damping -1"), HasSubstr("a number from 1e-08 to 10"));
    std::filesystem::remove_all(weight);
}

} // namespace
} // namespace caldera
