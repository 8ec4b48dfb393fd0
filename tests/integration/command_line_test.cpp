// The program as a shell meets it: where its output goes, and what it checks before it begins.
#include <cstdlib>
#include <string>
#include <sys/wait.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/program.h"

namespace caldera {
namespace {

using test::Program;

TEST(CommandLine, FailsWhenHelpOrVersionCannotBeWritten) {
    for (const std::string words :
         {"--help", "--version", "compress --help", "plan new --help", "evaluate --help"}) {
        const std::string line =
            std::string(CALDERA_PROGRAM) + " " + words + " > /dev/full 2> /dev/null";
        const int status = std::system(line.c_str()); // NOLINT(concurrency-mt-unsafe)
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 1) << words;
    }
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

} // namespace
} // namespace caldera
