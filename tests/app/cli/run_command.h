// Runs a command line in this process and keeps what it printed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/cli/command.h"

namespace caldera::cli {

struct Result {
    int exitCode = -1;
    std::string out;
    std::string err;
};

/// `add` registers the commands; `words` is the command line without the program.
inline Result runCommandLine(std::vector<std::string> words,
                             const std::function<void(CommandLine&)>& add) {
    CLI::App app("test", "caldera");
    app.require_subcommand(1);
    CommandLine commands(app);
    add(commands);
    words.insert(words.begin(), "caldera");
    std::vector<char*> arguments;
    arguments.reserve(words.size());
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Result result;
    result.exitCode = commands.run(static_cast<int>(arguments.size()), arguments.data());
    result.out = testing::internal::GetCapturedStdout();
    result.err = testing::internal::GetCapturedStderr();
    return result;
}

} // namespace caldera::cli
