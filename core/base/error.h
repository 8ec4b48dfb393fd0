// Errors of the whole program: a code to translate by, its arguments, and a sentence to act on.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace caldera {

/// Named values that a sentence was made from, for example {{"file", "a.gguf"}, {"needed", "24"}}.
using ErrorArgs = std::vector<std::pair<std::string, std::string>>;

/// A failure a person can act on. what() says where, what came, what was needed, what to do.
/// The code ("safetensors.truncated") never changes, so the studio can translate by it.
class Error : public std::runtime_error {
public:
    Error(std::string code, const std::string& sentence, ErrorArgs args = {})
        : std::runtime_error(sentence), code_(std::move(code)), args_(std::move(args)) {}

    const std::string& code() const noexcept { return code_; }
    const ErrorArgs& args() const noexcept { return args_; }

private:
    std::string code_;
    ErrorArgs args_;
};

/// The command line was wrong (exit code 2).
class UsageError : public Error {
public:
    using Error::Error;
};

/// The user asked to stop (exit code 130). Not an error: it does not derive from Error.
class Cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "cancelled"; }
};

} // namespace caldera
